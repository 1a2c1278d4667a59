/**
 * What this node publishes, bounded: bytes count until the server has answered a ping behind them, and a
 * server that does not answer is left. All nodes share one connection, so each source has its share of it.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import type { NatsPort } from "./nats_port.ts";
import { hasRoom, joined, type Queued } from "./queue_room.ts";
import type { Shares } from "./shares.ts";

/** Milliseconds between two pings while little is sent. */
const PING = 500;
/** Milliseconds without an answer after which another server is dialled: a stall of a garbage collection is shorter. */
const STALL = 1_500;
/** Unconfirmed bytes from which a ping does not wait for its time. */
const EAGER = 65_536;
/** Bytes of a message beside its payload, roughly: `PUB`, two subjects, the size. */
const HEAD = 400;

export interface NatsLineOptions {
  port: NatsPort;
  clock: Clock;
  /** Bytes that may be unconfirmed, now. */
  most: () => number;
}

export class NatsLine implements Queued {
  readonly #o: NatsLineOptions;
  waiting = 0;
  shares: Shares<object> | undefined;
  messagesOut = 0;
  bytesOut = 0;
  messagesIn = 0;
  bytesIn = 0;
  /** Messages that were not published, by reason. */
  readonly drops: Map<string, number> = new Map();
  #sent = 0;
  #confirmed = 0;
  /** When the ping that is under way was sent, monotonic milliseconds. */
  #pinged: number | undefined;
  #due = 0;
  /** Counts connections: what was under way on an earlier one says nothing. */
  #connection = 0;

  constructor(options: NatsLineOptions) {
    this.#o = options;
  }

  get up(): boolean {
    return this.#o.port.state.connected;
  }

  /** Bytes that the server has not confirmed. */
  get pending(): number {
    return this.#sent - this.#confirmed;
  }

  get buffered(): number {
    return this.pending;
  }

  /** One queue stands for those of all nodes. */
  get session(): this {
    return this;
  }

  /** False: it was not published, since there is no connection, or too much waits. */
  publish(subject: string, data: Uint8Array, from: object = this, reply?: string): boolean {
    const size = data.length + HEAD;
    if (!this.up) return this.#drop("disconnected");
    if (data.length > this.#o.port.maxPayload) return this.#drop("too-large");
    if (!hasRoom(this, from, size, this.#o.most())) return this.#drop("pending");
    this.#o.port.publish(subject, data, reply);
    this.#sent += size;
    this.messagesOut++;
    this.bytesOut += data.length;
    joined(this, from, size, this.pending);
    if (this.pending >= EAGER && this.#pinged === undefined) this.#ping();
    return true;
  }

  heard(data: Uint8Array): void {
    this.messagesIn++;
    this.bytesIn += data.length;
  }

  /** The connection was lost, or another one was made: nothing is under way. */
  renewed(): void {
    this.#connection++;
    this.#sent = this.#confirmed = this.waiting = 0;
    this.shares = undefined;
    this.#pinged = undefined;
    this.#due = 0;
  }

  /** A few times a second; `late`: this process stood still, so that answers may lie unread. */
  tick(late: boolean): void {
    if (!this.up) return;
    const now = this.#o.clock.now();
    if (late && this.#pinged !== undefined) this.#pinged = now;
    if (this.#pinged === undefined) {
      if (now >= this.#due) this.#ping();
    } else if (now - this.#pinged >= STALL) {
      this.#o.port.renew(`it did not answer for ${STALL} ms`);
    }
  }

  #ping(): void {
    const mark = this.#sent;
    const connection = this.#connection;
    const { port, clock } = this.#o;
    this.#pinged = clock.now();
    this.#due = this.#pinged + PING;
    const answered = (): void => {
      if (connection !== this.#connection) return;
      this.#confirmed = mark;
      this.#pinged = undefined;
      if (this.pending >= EAGER) this.#ping();
    };
    port.flush().then(answered, () => {}); // the loss of the connection is told by its state
  }

  #drop(reason: string): false {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    return false;
  }
}
