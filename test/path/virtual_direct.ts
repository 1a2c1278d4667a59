/**
 * Direct paths of a virtual world: lines between two peers that lose, delay, choke,
 * swallow everything, forget their mapping, or break, all by a seed and on the clock.
 */
import assert from "node:assert/strict";
import type { PathsOwner } from "../../src/path/paths.ts";
import type { AttemptEnd, PathHost, PathSource, PathTransport } from "../../src/path/port.ts";
import { LEAST_PACKET, PATH_HIGH_WATER, PATH_LOW_WATER, type PathEvents } from "../../src/path/port.ts";
import type { Clock } from "../../src/session/clock.ts";

/** What a line does to packets. */
export interface LineWeather {
  /** Probability. */
  loss: number;
  /** Milliseconds one way, between both. */
  fastest: number;
  slowest: number;
  /** Bytes each millisecond that get through. */
  rate: number;
  /** Milliseconds of silence after which the mapping in between is gone for good. */
  expires: number;
}

export const CLEAR: LineWeather = { loss: 0, fastest: 2, slowest: 2, rate: Infinity, expires: Infinity };

/** A line between two hosts, both ends of it. */
export class Line {
  weather: LineWeather;
  /** Packets are accepted and go nowhere, from the first end, from the second. */
  swallows: [boolean, boolean] = [false, false];
  carried: [number, number] = [0, 0];
  bytes: [number, number] = [0, 0];
  /** Packets by their first byte: 1 is a greeting, 2 its answer. */
  readonly kinds: Record<number, number> = {};
  closed = false;
  readonly ends: [LineEnd, LineEnd];
  private readonly clock: Clock;
  private readonly random: () => number;
  private lastUsed: number;

  constructor(clock: Clock, weather: LineWeather, random: () => number) {
    this.clock = clock;
    this.weather = weather;
    this.random = random;
    this.lastUsed = clock.now();
    this.ends = [new LineEnd(this, 0), new LineEnd(this, 1)];
  }

  set swallowing(both: boolean) {
    this.swallows = [both, both];
  }

  carry(from: 0 | 1, packet: Uint8Array): void {
    const now = this.clock.now();
    const { loss, fastest, slowest, expires } = this.weather;
    if (now - this.lastUsed > expires) this.swallowing = true;
    this.lastUsed = now;
    this.carried[from]++;
    this.kinds[packet[0]!] = (this.kinds[packet[0]!] ?? 0) + 1;
    this.bytes[from] += packet.length;
    if (this.swallows[from] || this.random() < loss) return;
    const delay = fastest + this.random() * (slowest - fastest);
    const to = this.ends[1 - from]!;
    this.clock.after(delay, () => {
      if (!this.closed && !this.swallows[from]) to.events?.packet(packet);
    });
  }

  /** Both ends are told, as when the stack notices by itself. */
  break(reason: string = "the connection broke"): void {
    if (this.closed) return;
    this.closed = true;
    for (const end of this.ends) end.events?.closed(reason);
  }

  /** The queue of one end takes its time. */
  later(delay: number, run: () => void): void {
    this.clock.after(delay, run);
  }
}

class LineEnd implements PathTransport {
  readonly kind = "direct";
  readonly why = "punched by a test";
  readonly maxPacket: number = LEAST_PACKET;
  /** As a data channel does. */
  readonly copies = true;
  buffered = 0;
  events: PathEvents | undefined;
  private readonly line: Line;
  private readonly side: 0 | 1;
  private open = true;
  private full = false;

  constructor(line: Line, side: 0 | 1) {
    this.line = line;
    this.side = side;
  }

  send(given: Uint8Array): void {
    assert.ok(given.length <= this.maxPacket, `a packet of ${given.length} bytes`);
    if (!this.open || this.line.closed) return;
    const packet = given.slice();
    const { rate } = this.line.weather;
    if (rate === Infinity) return this.line.carry(this.side, packet);
    this.buffered += packet.length;
    this.full ||= this.buffered >= PATH_HIGH_WATER;
    this.line.later(this.buffered / rate, () => this.leave(packet));
  }

  private leave(packet: Uint8Array): void {
    this.buffered -= packet.length;
    if (!this.open) return;
    this.line.carry(this.side, packet);
    if (!this.full || this.buffered > PATH_LOW_WATER) return;
    this.full = false;
    this.events?.drained();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    // As a data channel: the other end hears of it, after a while.
    this.line.later(this.line.weather.slowest, () => this.line.break("the other side closed it"));
  }
}

/** Makes lines when a peer asks for one, and remembers them. */
export class VirtualDirect {
  readonly lines: Line[] = [];
  weather: LineWeather;
  /** What becomes of the next attempts: a line, or this outcome. */
  outcome = "connected";
  /** Milliseconds that an attempt takes. */
  takes = 50;
  attempts = 0;
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly owners = new Map<string, PathsOwner>();
  private hosts: [PathHost, PathHost] | undefined;

  constructor(clock: Clock, weather: LineWeather = CLEAR, random: () => number = Math.random) {
    this.clock = clock;
    this.weather = weather;
    this.random = random;
  }

  /** The newest line. */
  get line(): Line | undefined {
    return this.lines.at(-1);
  }

  source(owner: PathsOwner): PathSource {
    this.owners.set(owner.id, owner);
    return { attempt: (host, ended) => this.attempt(owner, host, ended) };
  }

  private attempt(owner: PathsOwner, host: PathHost, ended: (end: AttemptEnd) => void): () => void {
    const number = ++this.attempts;
    const fail = (outcome: string) => ended({ outcome, why: `attempt ${number} ended ${outcome}` });
    return this.clock.after(this.takes, () => {
      const other = this.owners.get(host.peer)?.host(owner.id);
      if (this.outcome !== "connected" || !other) return fail(other ? this.outcome : "peer-gone");
      this.join(host, other, (validated) => {
        if (validated) ended({ outcome: "connected", why: `attempt ${number} connected` });
        else fail("timed-out");
      });
    });
  }

  /** A line between two hosts, offered to both. */
  join(one: PathHost, other: PathHost, settled: (validated: boolean) => void = () => {}): Line {
    const line = new Line(this.clock, this.weather, this.random);
    this.lines.push(line);
    this.hosts = [one, other];
    one.offer((events) => this.attach(line.ends[0], events), ({ kind }) => settled(kind === "validated"));
    other.offer((events) => this.attach(line.ends[1], events));
    return line;
  }

  /** Another line between the hosts that were joined last. */
  again(): void {
    if (this.hosts) this.join(...this.hosts);
  }

  private attach(end: LineEnd, events: PathEvents): LineEnd {
    end.events = events;
    return end;
  }
}
