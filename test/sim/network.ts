/**
 * Connections between machines, as TCP keeps them: in order, late when packets are lost, held back
 * while nothing passes between two machines, reset when a process dies.
 *
 * @module
 */
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** Milliseconds until TCP tries again after a path opened: its retransmission timer has backed off by then. */
const RETRANSMISSION = [200, 1_500] as const;

export class Network {
  /** Longest addition to a delay, milliseconds. */
  jitter = 2;
  /** Share of messages that wait for a retransmission. */
  loss = 0.002;
  readonly lines: Set<Line> = new Set();
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly #walls = new Set<(a: Machine, b: Machine) => boolean>();
  #made = 0;

  constructor(timeline: Timeline, dice: Dice, trace: Trace) {
    this.timeline = timeline;
    this.dice = dice;
    this.trace = trace;
  }

  /** Nothing passes between machines for which `concerns` holds, until the returned function is called. */
  block(concerns: (a: Machine, b: Machine) => boolean): () => void {
    this.#walls.add(concerns);
    return () => {
      if (!this.#walls.delete(concerns)) return;
      for (const line of [...this.lines]) line.release();
    };
  }

  get walls(): number {
    return this.#walls.size;
  }

  passes(a: Machine, b: Machine): boolean {
    for (const wall of this.#walls) if (wall(a, b) || wall(b, a)) return false;
    return true;
  }

  /** Milliseconds one way, with this message's luck. */
  delay(a: Machine, b: Machine): number {
    const [x, y] = [a.place[0] - b.place[0], a.place[1] - b.place[1]];
    const distance = Math.sqrt(x * x + y * y); // hypot differs between engines, and a seed would, too
    const late = this.dice.chance(this.loss) ? this.dice.between(...RETRANSMISSION) / 4 : 0;
    return 0.2 + distance + this.dice.fraction() * this.jitter + late;
  }

  line(dialer: Machine, acceptor: Machine): Line {
    const line = new Line(this, this.#made++, dialer, acceptor);
    this.lines.add(line);
    return line;
  }

  /** A process died: its kernel resets what was open. */
  died(machine: Machine): void {
    for (const line of [...this.lines]) {
      if (line.dialer.machine === machine) line.dialer.reset();
      else if (line.acceptor.machine === machine) line.acceptor.reset();
    }
  }
}

export class Line {
  readonly number: number;
  readonly dialer: End;
  readonly acceptor: End;
  readonly network: Network;

  constructor(network: Network, number: number, dialer: Machine, acceptor: Machine) {
    this.network = network;
    this.number = number;
    this.dialer = new End(this, dialer);
    this.acceptor = new End(this, acceptor);
    this.dialer.other = this.acceptor;
    this.acceptor.other = this.dialer;
  }

  /** Open at both ends, as far as both know. */
  get open(): boolean {
    return !this.dialer.over && !this.acceptor.over;
  }

  get passes(): boolean {
    return this.network.passes(this.dialer.machine, this.acceptor.machine);
  }

  /** A middlebox resets it. */
  break(): void {
    for (const end of [this.dialer, this.acceptor]) end.soon(() => end.lose(1006, "connection reset"));
  }

  /** Packets pass again. */
  release(): void {
    if (!this.passes) return;
    this.dialer.release();
    this.acceptor.release();
  }

  forgetIfOver(): void {
    if (this.dialer.over && this.acceptor.over) this.network.lines.delete(this);
  }
}

interface Parcel {
  size: number;
  deliver: () => void;
}

/** One end of a WebSocket. */
export class End implements Socket {
  readonly machine: Machine;
  readonly line: Line;
  handlers: SocketHandlers | undefined;
  other!: End;
  over = false;
  buffered = 0;
  #closing = false;
  /** Nothing sent later arrives earlier. */
  #last = 0;
  #stuck: Parcel[] = [];

  constructor(line: Line, machine: Machine) {
    this.line = line;
    this.machine = machine;
  }

  send(message: Uint8Array | string): number {
    if (this.over || this.#closing) return -1;
    if (this.machine.state === "dead") return 0;
    const copy = typeof message === "string" ? message : message.slice();
    const { other } = this;
    this.carry(() => {
      if (other.over) return;
      this.line.network.trace.delivered(this.line, this, copy);
      other.handlers?.message(copy);
    }, copy.length);
    return this.buffered;
  }

  close(code: number, reason: string): void {
    if (this.over || this.#closing) return;
    this.#closing = true;
    const { other } = this;
    this.carry(() => {
      other.lose(code, reason);
      other.carry(() => this.lose(code, reason));
    });
  }

  terminate(): void {
    this.lose(1006, "");
    this.reset();
  }

  /** This end is gone; the other learns of it. */
  reset(): void {
    this.over = true;
    const { other } = this;
    this.carry(() => other.lose(1006, "connection reset"));
    this.line.forgetIfOver();
  }

  /** This end learns that the connection is over. */
  lose(code: number, reason: string): void {
    if (this.over) return;
    this.over = true;
    this.#stuck = [];
    this.line.forgetIfOver();
    this.handlers?.closed(code, reason);
  }

  soon(run: () => void): void {
    this.line.network.timeline.after(0, () => this.machine.arrive(run));
  }

  release(): void {
    const { network } = this.line;
    const stuck = this.#stuck;
    if (stuck.length === 0) return;
    this.#stuck = [];
    this.buffered = 0;
    const pause = network.dice.between(...RETRANSMISSION);
    for (const { deliver } of stuck) this.#travel(pause, deliver);
    if (!this.over) network.timeline.after(pause, () => this.machine.arrive(() => this.handlers?.drain?.()));
  }

  /** The connection was refused: the other end learns of it. */
  refuse(): void {
    this.over = true;
    const { other } = this;
    this.#travel(0, () => other.lose(1006, "connection refused"));
  }

  /** Brings something to the other end, in its order. */
  carry(deliver: () => void, size: number = 0): void {
    if (this.line.passes && this.machine.state !== "frozen" && this.#stuck.length === 0) {
      return this.#travel(0, deliver);
    }
    if (this.machine.state === "frozen") return this.machine.arrive(() => this.carry(deliver, size));
    this.#stuck.push({ size, deliver });
    this.buffered += size;
  }

  #travel(pause: number, deliver: () => void): void {
    const { network } = this.line;
    const { timeline } = network;
    const at = timeline.now + pause + network.delay(this.machine, this.other.machine);
    this.#last = Math.max(at, this.#last);
    timeline.after(this.#last - timeline.now, () => this.#land(deliver));
  }

  /** What was under way when the path closed is sent again when it opens. */
  #land(deliver: () => void): void {
    if (!this.line.passes) return void this.#stuck.push({ size: 0, deliver });
    this.other.machine.arrive(deliver);
  }
}
