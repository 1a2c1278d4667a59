import type { Clock } from "../../src/session/clock.ts";

interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** Time that passes only when it is told to; what is due at one moment runs in the order it was asked for. */
export class VirtualClock implements Clock {
  private time = 0;
  private made = 0;
  private events: Event[] = [];
  /** 2026-01-01. */
  private readonly epoch = 1_767_225_600_000;

  now = (): number => this.time;
  wall = (): number => Math.floor(this.epoch + this.time);

  after = (delay: number, run: () => void): () => void => {
    const event = { at: this.time + Math.max(0, delay), order: this.made++, run };
    this.events.push(event);
    return () => void (this.events = this.events.filter((other) => other !== event));
  };

  /** Timers that are armed. */
  get armed(): number {
    return this.events.length;
  }

  /** Runs the next event at or before `until`; false when there is none, and it is `until` then. */
  step(until: number): boolean {
    let next: Event | undefined;
    for (const event of this.events) {
      if (!next || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    if (!next || next.at > until) {
      this.time = Math.max(this.time, until);
      return false;
    }
    this.events.splice(this.events.indexOf(next), 1);
    this.time = Math.max(this.time, next.at);
    next.run();
    return true;
  }

  /** Lets `duration` ms pass. */
  run(duration: number): void {
    const until = this.time + duration;
    while (this.step(until));
  }
}
