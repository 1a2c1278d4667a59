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
import { countData, dataEnd, dataFrameSize, PEER_OFFSET, setPeers } from "../wire/data_frame.ts";
import { Reason } from "../wire/protocol.ts";
import { acquaint } from "./correspondents.ts";
import type { Session } from "../session/session.ts";
import { Gather, gathers } from "./gather.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import { hasRoom, joined } from "./queue_room.ts";
import type { Rates } from "./rates.ts";
import { Refusals } from "./refusals.ts";
import { isKeyAt, type Registry, type Seat } from "./registry.ts";
import type { Tracing } from "./tracing.ts";

/** Where frames for peers without a seat here go: to other nodes. */
export interface Beyond {
  /** Whether {@link data} takes frames behind each other together; otherwise they come one by one. */
  readonly inRuns: boolean;
  /** Whether the frame before this one in its message was for the same peer, whose key lies at `offset`. */
  follows(message: Uint8Array, offset: number): boolean;
  /**
   * Takes so many frames behind each other, which are to one peer and together no larger than one may be, until
   * {@link flush}; otherwise tells why not (`Reason.none`: taken).
   */
  data(source: Seat, message: Uint8Array, start: number, end: number, frames: number): Reason;
  /** Sends what was taken; `refuse` is told of each frame that could not leave, by where its destination lies. */
  flush(source: Seat, message: Uint8Array, refuse: RefuseBeyond): void;
  /** A frame from elsewhere, whose source lies at `offset`, could not be sent to `destination`, a peer here. */
  unsent?(reason: Reason, message: Uint8Array, offset: number, destination: Uint8Array): void;
  /** That was the last one: those elsewhere are told. */
  tellUnsent?(): void;
}

export type RefuseBeyond = (reason: Reason, message: Uint8Array, offset: number) => void;

export interface RelayOptions {
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  rates: Rates;
  tracing: Tracing;
  beyond?: Beyond | undefined;
}

export class Relay {
  readonly #registry: Registry;
  readonly #limits: NodeLimits;
  readonly #metrics: NodeMetrics;
  readonly #rates: Rates;
  readonly #tracing: Tracing;
  readonly #refusals = new Refusals();
  #gather = new Gather();
  /** Sending may bring the next message at once (sockets in memory): it then finds an empty one. */
  #spare: Gather | undefined;
  #message: Uint8Array | undefined;
  /** Who gets all of the message, and how many frames it is: it leaves as it came, without being gathered. */
  #whole: Seat | undefined;
  #wholeFrames = 0;
  readonly #beyond: Beyond | undefined;
  #beyondTook = false;
  /** What has a span leaves at once: the span says what became of it. */
  #traces = false;
  readonly #refuseBeyond: RefuseBeyond = (reason, message, offset) =>
    this.#refuse(reason, message, offset, 1);

  constructor({ registry, limits, metrics, rates, tracing, beyond }: RelayOptions) {
    this.#registry = registry;
    this.#limits = limits;
    this.#metrics = metrics;
    this.#rates = rates;
    this.#tracing = tracing;
    this.#beyond = beyond;
  }

  /** Frames from `source` to one peer behind each other, checked: they and their neighbours leave at {@link flush}. */
  data(source: Seat, message: Uint8Array, start: number, end: number): void {
    this.#message = message;
    const destination = this.#route(source, message, start + PEER_OFFSET);
    const together = destination !== undefined || this.#beyond?.inRuns !== false;
    if (!together || this.#isTooLarge(message, end - start)) {
      this.#takeEach(source, destination, message, start, end);
    } else this.#take(source, destination, message, start, end);
  }

  /** One or more of them may be too large, or those elsewhere take one at a time. */
  #takeEach(source: Seat, to: Seat | undefined, message: Uint8Array, start: number, end: number): void {
    for (let offset = start, next; offset < end; offset = next) {
      next = dataEnd(message, offset);
      if (!this.#isTooLarge(message, next - offset)) this.#take(source, to, message, offset, next);
      else this.#refuseLarge(source, message, offset, next);
    }
  }

  #refuseLarge(source: Seat, message: Uint8Array, start: number, end: number): void {
    this.#countIn(1, end - start);
    this.#refuse(Reason.tooLarge, message, start + PEER_OFFSET, 1, source);
  }

  #take(source: Seat, to: Seat | undefined, message: Uint8Array, start: number, end: number): void {
    const frames = to ? setPeers(message, start, end, source.key) : countData(message, start, end);
    this.#countIn(frames, end - start);
    if (to === undefined) this.#sendBeyond(source, message, start, end, frames);
    else if (end - start === message.length) {
      this.#whole = to;
      this.#wholeFrames = frames;
    } else this.#gather.add(to, start, end, frames);
  }

  #countIn(frames: number, size: number): void {
    this.#metrics.framesIn += frames;
    this.#metrics.bytesIn += size;
  }

  /** The incoming message is at its end: sends what was gathered, and notices for what cannot be delivered. */
  flush(source: Seat): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const began = this.#tracing.forwardBegins();
    if (began === undefined) this.#flush(source, message);
    else this.#flushTraced(began, source, message);
  }

  #flushTraced(began: number, source: Seat, message: Uint8Array): void {
    const metrics = this.#metrics;
    const { framesOut, bytesOut, drops } = metrics;
    this.#traces = true;
    this.#flush(source, message);
    this.#traces = false;
    this.#tracing.forwarded(
      began,
      metrics.framesOut - framesOut,
      metrics.bytesOut - bytesOut,
      metrics.drops - drops,
    );
  }

  #flush(source: Seat, message: Uint8Array): void {
    if (this.#whole !== undefined) this.#sendWhole(source, this.#whole, message, this.#wholeFrames);
    else if (this.#gather.count > 0) this.#sendAll(source, message);
    if (this.#beyondTook) this.#flushBeyond(source, message);
    if (this.#refusals.some) this.#refusals.tell(source, this.#limits.queue);
  }

  #route(source: Seat, message: Uint8Array, offset: number): Seat | undefined {
    const last = source.last;
    if (last !== undefined && last.live && isKeyAt(last.key, message, offset)) return last;
    if (this.#beyondTook && this.#beyond!.follows(message, offset)) return undefined;
    const found = this.#registry.find(message, offset);
    source.last = found;
    if (found !== undefined) acquaint(source, found, this.#limits.correspondents);
    return found;
  }

  #sendBeyond(source: Seat, message: Uint8Array, start: number, end: number, frames: number): void {
    const obstacle = this.#obstacleBeyond(source, end - start, frames) ??
      this.#beyond!.data(source, message, start, end, frames);
    if (obstacle === Reason.none) this.#beyondTook = source.linked = true;
    else this.#refuse(obstacle, message, start + PEER_OFFSET, frames, source);
  }

  #obstacleBeyond(source: Seat, size: number, frames: number): Reason | undefined {
    if (this.#beyond === undefined) return Reason.absent;
    return this.#rates.allow(source, frames, size) ? undefined : Reason.rateLimited;
  }

  #isTooLarge(message: Uint8Array, frame: number): boolean {
    return frame > dataFrameSize(this.#limits.payload) || message.length > this.#limits.message;
  }

  #flushBeyond(source: Seat, message: Uint8Array): void {
    this.#beyondTook = false;
    this.#beyond!.flush(source, message, this.#refuseBeyond);
  }

  #sendAll(source: Seat, message: Uint8Array): void {
    const gather = this.#gather;
    this.#gather = this.#spare ?? new Gather();
    this.#spare = undefined;
    for (let slot = 0; slot < gather.count; slot++) this.#send(source, gather, slot, message);
    gather.clear();
    this.#spare = gather;
  }

  #sendWhole(source: Seat, to: Seat, message: Uint8Array, frames: number): void {
    this.#whole = undefined; // sending may bring the next message at once
    if (!this.#mayJoin(source, to, message.length, frames)) return;
    if (!this.#traces && to.waiting === 0 && to.session.gathers(message.length)) {
      to.session.gather(message, frames);
    } else this.#sendNow(source, to, message, frames);
  }

  #send(source: Seat, gather: Gather, slot: number, message: Uint8Array): void {
    const to = gather.destination(slot);
    const frames = gather.frames(slot);
    if (!this.#mayJoin(source, to, gather.size(slot), frames)) return;
    if (!this.#traces && gathers(gather, slot, message)) return;
    this.#sendNow(source, to, gather.batch(slot, message, to.session.copies), frames);
  }

  #mayJoin(source: Seat, to: Seat, size: number, frames: number): boolean {
    const obstacle = this.#obstacle(source, to, size, frames);
    if (obstacle !== undefined) this.#refuse(obstacle, to.key, 0, frames, source);
    else source.linked = to.linked = true;
    return obstacle === undefined;
  }

  #sendNow(source: Seat, to: Seat, batch: Uint8Array, frames: number): void {
    const size = batch.length; // before the next one is made in its place
    const waiting = to.session.sendBatch(batch);
    if (waiting < 0) return this.#refuse(lossReason(to), to.key, 0, frames, source);
    joined(to, source, size, waiting);
    this.#count(frames, size);
  }

  /** What was gathered for a peer in a turn has left. */
  sent(destination: Seat, session: Session, size: number, frames: number, waiting: number): void {
    if (destination.session === session) destination.waiting = waiting;
    this.#count(frames, size);
  }

  /** It has not, for the peer is gone: who sent it, here or elsewhere, is told as if it had been refused at once. */
  unsent(destination: Seat, message: Uint8Array): void {
    const reason = lossReason(destination);
    const sources = new Set<Seat>();
    for (let offset = 0; offset < message.length; offset = dataEnd(message, offset)) {
      const source = this.#registry.find(message, offset + PEER_OFFSET);
      if (source === undefined) {
        this.#beyond?.unsent?.(reason, message, offset + PEER_OFFSET, destination.key);
      } else {
        sources.add(source);
        this.#metrics.dropped(reason, 1, source.key);
      }
    }
    for (const source of sources) {
      this.#refusals.add(reason, destination.key, 0);
      this.#refusals.tell(source, this.#limits.queue);
    }
    this.#beyond?.tellUnsent?.();
  }

  #count(frames: number, size: number): void {
    this.#metrics.framesOut += frames;
    this.#metrics.bytesOut += size;
    this.#metrics.messagesOut++;
  }

  /** Why these bytes may not join the destination's queue. */
  #obstacle(source: Seat, destination: Seat, size: number, frames: number): Reason | undefined {
    if (!this.#rates.allow(source, frames, size)) return Reason.rateLimited;
    return hasRoom(destination, source, size, this.#limits.queue) ? undefined : Reason.queueFull;
  }

  #refuse(reason: Reason, bytes: Uint8Array, offset: number, frames: number, source?: Seat): void {
    this.#metrics.dropped(reason, frames, source?.key);
    this.#refusals.add(reason, bytes, offset);
  }
}

/** The socket took nothing: either its queue is full, or it is closing. */
function lossReason(destination: Seat): Reason {
  return destination.live && destination.session.state === "ready" ? Reason.queueFull : Reason.gone;
}
