/**
 * The relay: what a peer sends to another one goes out as the same bytes, with the
 * source written over the destination. This is the node's hot path; measured, a
 * JavaScript runtime pays for WebSocket messages, not for bytes, so the frames of one
 * incoming message leave as one message for each destination.
 *
 * Order for each frame (protocol rule 15): resolve the route, then overwrite. When a
 * batch turns out undeliverable later, the destination is known from its seat.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { dataFrameSize, PEER_OFFSET, setPeer } from "../wire/data_frame.ts";
import { Reason } from "../wire/protocol.ts";
import { acquaint } from "./correspondents.ts";
import { Gather } from "./gather.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import { Refusals } from "./refusals.ts";
import { isKeyAt, type Registry, type Seat } from "./registry.ts";
import { Shares } from "./shares.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Bytes from which the shares of a queue are counted: shorter ones starve nobody. */
const LONG_QUEUE = 65_536;
/** What a message costs besides its bytes, as bytes: many small ones are not free (protocol rule 14). */
const MESSAGE_COST = 64;

export class Relay {
  readonly #registry: Registry;
  readonly #limits: NodeLimits;
  readonly #metrics: NodeMetrics;
  readonly #clock: Clock;
  readonly #refusals = new Refusals();
  #gather = new Gather();
  /** Sending may bring the next message at once (sockets in memory): it then finds an empty one. */
  #spare: Gather | undefined;
  #message: Uint8Array | undefined;

  constructor(registry: Registry, limits: NodeLimits, metrics: NodeMetrics, clock: Clock) {
    this.#registry = registry;
    this.#limits = limits;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** A frame from `source`, checked: it and its neighbours leave at {@link flush}. */
  data(source: Seat, message: Uint8Array, start: number, end: number): void {
    this.#metrics.framesIn++;
    this.#metrics.bytesIn += end - start;
    this.#message = message;
    const destination = this.#route(source, message, start + PEER_OFFSET);
    if (destination === undefined) return this.#refuse(Reason.absent, message, start + PEER_OFFSET, 1);
    if (end - start > dataFrameSize(this.#limits.payload)) {
      return this.#refuse(Reason.tooLarge, destination.key, 0, 1);
    }
    setPeer(message, start, source.key);
    this.#gather.add(destination, start, end);
  }

  /** The incoming message is at its end: sends what was gathered, and notices for what cannot be delivered. */
  flush(source: Seat): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    if (this.#gather.count > 0) this.#sendAll(source, message);
    if (this.#refusals.some) this.#refusals.tell(source, this.#limits.queue);
  }

  #route(source: Seat, message: Uint8Array, offset: number): Seat | undefined {
    const last = source.last;
    if (last !== undefined && last.live && isKeyAt(last.key, message, offset)) return last;
    const found = this.#registry.find(message, offset);
    source.last = found;
    if (found !== undefined) acquaint(source, found, this.#limits.correspondents);
    return found;
  }

  #sendAll(source: Seat, message: Uint8Array): void {
    const gather = this.#gather;
    this.#gather = this.#spare ?? new Gather();
    this.#spare = undefined;
    for (let slot = 0; slot < gather.count; slot++) this.#send(source, gather, slot, message);
    gather.clear();
    this.#spare = gather;
  }

  #send(source: Seat, gather: Gather, slot: number, message: Uint8Array): void {
    const destination = gather.destination(slot);
    const size = gather.size(slot);
    const frames = gather.frames(slot);
    const obstacle = this.#obstacle(source, destination, size);
    if (obstacle !== undefined) return this.#refuse(obstacle, destination.key, 0, frames);
    const waiting = destination.session.sendBatch(gather.batch(slot, message));
    if (waiting < 0) return this.#refuse(lossReason(destination), destination.key, 0, frames);
    destination.waiting = waiting;
    if (waiting > LONG_QUEUE) (destination.shares ??= new Shares()).add(source, size);
    this.#metrics.framesOut += frames;
    this.#metrics.bytesOut += size;
    this.#metrics.messagesOut++;
  }

  /** Why these bytes may not join the destination's queue. */
  #obstacle(source: Seat, destination: Seat, size: number): Reason | undefined {
    if (this.#limits.bytesPerSecond !== Infinity && !this.#withinRate(source, size)) {
      return Reason.rateLimited;
    }
    if (destination.waiting === 0) return undefined;
    const waiting = destination.waiting = destination.session.buffered;
    if (waiting <= LONG_QUEUE) destination.shares = undefined;
    const free = this.#limits.queue - waiting;
    if (size > free) return Reason.queueFull;
    destination.shares?.settle(waiting);
    return destination.shares?.allows(source, size, free) === false ? Reason.queueFull : undefined;
  }

  #withinRate(source: Seat, size: number): boolean {
    const { bytesPerSecond, byteBurst } = this.#limits;
    const now = this.#clock.now();
    source.sending ??= new TokenBucket(byteBurst, now);
    return source.sending.take(size + MESSAGE_COST, bytesPerSecond, byteBurst, now);
  }

  #refuse(reason: Reason, bytes: Uint8Array, offset: number, frames: number): void {
    this.#metrics.dropped(reason, frames);
    this.#refusals.add(reason, bytes, offset);
  }
}

/** The socket took nothing: either its queue is full, or it is closing. */
function lossReason(destination: Seat): Reason {
  return destination.live && destination.session.state === "ready" ? Reason.queueFull : Reason.gone;
}
