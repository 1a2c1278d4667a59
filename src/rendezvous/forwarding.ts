/**
 * Data to and from other nodes. The frames of one incoming message leave as one message
 * for each neighbour; what arrives for a peer here becomes its data frame in place.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { dataFrameSize, KEY_SIZE, PEER_OFFSET } from "../wire/data_frame.ts";
import { DESTINATION_OFFSET, forwardToData, hopsOf, SOURCE_OFFSET } from "../wire/forward_frame.ts";
import { encodeNotice, encodeUndelivered } from "../wire/frames.ts";
import { MAX_MESSAGE } from "../wire/limits.ts";
import type { Undelivered } from "../wire/mesh_protocol.ts";
import { type HeldBytes, Reason } from "../wire/protocol.ts";
import { leftOf } from "../wire/record.ts";
import { Abroad, type Foreigner, type Whereabouts } from "./abroad.ts";
import { ForwardBatch, GROWTH } from "./forward_batch.ts";
import { Gather, gathers } from "./gather.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { NodeLink } from "./node_link.ts";
import { hasRoom, joined } from "./queue_room.ts";
import { isKeyAt, type Registry, type Seat } from "./registry.ts";
import type { Beyond, RefuseBeyond } from "./relay.ts";
import type { Way } from "./way.ts";

/** Hops that a frame may take between nodes: more than any mesh of `MESH_TARGET` needs. */
export const HOPS = 8;

export interface ForwardingOptions {
  id: PeerId;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  counts: MeshCounts;
  presence: Whereabouts;
  /** By which presence counts how long records hold. */
  wall: () => number;
  /** The neighbour on the way to a node, for what comes `from` another: straight, if there is a session, before back there. */
  hop: (node: PeerId, from?: NodeLink) => NodeLink | undefined;
  /** Hops to a node on that way. */
  distance: (node: PeerId, from?: NodeLink) => number;
  /** Whether a node is a neighbour that answers late. */
  doubts: (node: PeerId) => boolean;
}

export class Forwarding implements Beyond {
  readonly inRuns = true;
  readonly abroad: Abroad;
  readonly #o: ForwardingOptions;
  /** Counts messages: what was found for one is not believed in the next. */
  #turn = 0;
  #plane: number | undefined;
  #batches: ForwardBatch[] = [];
  #arrivals = new Gather();
  /** For what arrives while the other one is delivered. */
  #spare: Gather | undefined;
  /** The frame before, in the message that is being read: to whom, where it came to an end, and where it ends now. */
  readonly #arrival: { seat: Seat | undefined; cameEnd: number; end: number } = {
    seat: undefined,
    cameEnd: 0,
    end: 0,
  };
  #bounced: Undelivered[] = [];
  #message: Uint8Array | undefined;
  /** Where the frame before went, from a peer here, or from a node to a peer here. */
  #to: Foreigner | undefined;
  #pair: { seat: Seat; source: Foreigner } | undefined;

  constructor(options: ForwardingOptions) {
    this.#o = options;
    this.abroad = new Abroad(options.presence, () => options.limits.correspondents);
  }

  /** Frames of a peer here to one elsewhere, behind each other. */
  data(source: Seat, message: Uint8Array, start: number, end: number, frames: number): Reason {
    const to = this.#destination(message, start + PEER_OFFSET, source);
    if (to === undefined) return Reason.absent;
    const way = this.#wayOf(to, source);
    if (way === undefined) return this.#noWay();
    this.#batchFor(way.link, end - start + frames * GROWTH).add(start, end, frames, GROWTH, way.hops);
    return Reason.none;
  }

  follows(message: Uint8Array, offset: number): boolean {
    return this.#to !== undefined && isKeyAt(this.#to.key, message, offset);
  }

  /** Where this frame goes: mostly where the one before it in its message went. */
  #destination(message: Uint8Array, offset: number, source: Seat): Foreigner | undefined {
    if (this.follows(message, offset)) return this.#to;
    const to = this.#to = this.abroad.find(message, offset);
    if (to !== undefined) this.abroad.listen(to, source);
    return to;
  }

  /** No flush may follow: what was found now is not for the next message. */
  #noWay(): Reason {
    this.#forgetMessage();
    return Reason.absent;
  }

  flush(source: Seat, message: Uint8Array, refuse: RefuseBeyond): void {
    for (const batch of this.#takeBatches()) {
      const reason = this.#send(batch, source, (bytes) => batch.wrap(message, source.key, bytes));
      if (reason === undefined) continue;
      for (const start of batch.starts(message)) refuse(reason, message, start + PEER_OFFSET);
    }
  }

  /** A peer here asks for one that is elsewhere, and will be told when that leaves. */
  lookup(peer: Uint8Array, asker: Seat): HeldBytes | undefined {
    const foreigner = this.abroad.find(peer, 0);
    const place = foreigner && this.#o.presence.find(foreigner.id);
    if (foreigner === undefined || place === undefined) return undefined;
    this.abroad.listen(foreigner, asker);
    return { ...place.signed, left: leftOf(place.until, this.#o.wall()) };
  }

  /** The neighbour on the way to a peer that is elsewhere; from now on its departure is told. */
  wayTo(peer: Uint8Array): NodeLink | undefined {
    const foreigner = this.abroad.find(peer, 0);
    return foreigner && this.#way(foreigner.id, 0)?.link;
  }

  /** A frame that a neighbour passed on. */
  forward(from: NodeLink, message: Uint8Array, start: number, end: number): void {
    this.#o.counts.framesIn++;
    this.#message = message;
    const seat = this.#seatOf(message, start);
    if (seat === undefined) return this.#passOn(from, message, start, end);
    if (end - start > dataFrameSize(this.#o.limits.payload) + GROWTH) {
      return this.#bounce(Reason.tooLarge, message, start + SOURCE_OFFSET, seat.key);
    }
    this.#arrive(seat, message, start, end);
  }

  /** What follows a frame to the same peer moves up to it, over bytes that only nodes need: so all leave uncopied. */
  #arrive(seat: Seat, message: Uint8Array, start: number, end: number): void {
    const arrival = this.#arrival;
    const data = forwardToData(message, start);
    const at = arrival.seat === seat && arrival.cameEnd === start ? arrival.end : data;
    if (at < data) message.copyWithin(at, data, end);
    arrival.seat = seat;
    arrival.cameEnd = end;
    arrival.end = at + end - data;
    this.#arrivals.add(seat, at, arrival.end);
  }

  /** The peer here to which a forward frame goes: mostly between the same two as the one before. */
  #seatOf(message: Uint8Array, start: number): Seat | undefined {
    const pair = this.#pair;
    const again = pair !== undefined && pair.seat.live &&
      isKeyAt(pair.seat.key, message, start + DESTINATION_OFFSET) &&
      isKeyAt(pair.source.key, message, start + SOURCE_OFFSET);
    if (again) return pair.seat;
    const seat = this.#o.registry.find(message, start + DESTINATION_OFFSET);
    const source = seat && this.abroad.find(message, start + SOURCE_OFFSET);
    if (source !== undefined) this.abroad.listen(source, seat!);
    this.#pair = source && { seat: seat!, source };
    return seat;
  }

  /** The neighbour's message is at its end. */
  endOfMessage(from: NodeLink): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = this.#arrival.seat = undefined;
    if (this.#arrivals.count > 0) this.#deliverAll(from, message);
    for (const batch of this.#takeBatches()) this.#sendOn(batch, from, message);
    this.#tellBounced(from);
  }

  #tellBounced(from: NodeLink | undefined): void {
    const bounced = this.#bounced;
    this.#bounced = [];
    for (const frame of bounced) this.#sendBack(frame, from);
  }

  unsent(reason: Reason, message: Uint8Array, offset: number, destination: Uint8Array): void {
    this.#bounce(reason, message, offset, destination);
  }

  tellUnsent(): void {
    this.#tellBounced(undefined);
  }

  /** What was sent could not be delivered, says a node further on. Never answered with an error. */
  undelivered(from: NodeLink, frame: Undelivered): void {
    const { source, destination, reason, hops } = frame;
    const seat = this.#o.registry.find(source);
    if (seat === undefined) {
      if (hops > 0) this.#sendBack(frame, undefined, from);
    } else if (seat.session.buffered <= this.#o.limits.queue) {
      seat.session.send(encodeNotice(reason, destination));
    }
  }

  /**
   * The way to a peer: its home first. What a peer here sends through its standby session
   * goes to the standby of the other one, so that the two planes have no node in common.
   */
  #wayOf(to: Foreigner, source: Seat): Way | undefined {
    if (to.turn === this.#turn) return to.way;
    to.turn = this.#turn;
    this.#plane ??= this.#planeOf(source);
    return to.way = this.#way(to.id, this.#plane);
  }

  #planeOf(source: Seat): number {
    const nodes = this.#o.presence.find(source.session.remote)?.nodes;
    return nodes !== undefined && nodes.indexOf(this.#o.id) >= 1 ? 1 : 0;
  }

  #way(peer: PeerId, plane: number): Way | undefined {
    const nodes = this.#o.presence.find(peer)?.nodes ?? [];
    let detour: Way | undefined;
    for (let i = 0; i < nodes.length; i++) {
      // The preferred one first, then the others in their order.
      const at = i === 0 ? Math.min(plane, nodes.length - 1) : i <= plane ? i - 1 : i;
      const way = this.#wayToNode(nodes[at]!);
      if (way !== undefined && !this.#o.doubts(nodes[at]!)) return way;
      detour ??= way; // it may be silent to this node alone
    }
    return detour;
  }

  /**
   * On the way already: to whichever of the peer's nodes is nearest, if that is within `hops`. What is
   * doubted here is not led around: if each did, frames would go in circles.
   */
  #wayOn(peer: PeerId, from: NodeLink, hops: number): Way | undefined {
    let nearest: Way | undefined;
    for (const node of this.#o.presence.find(peer)?.nodes ?? []) {
      const way = this.#wayToNode(node, from);
      if (way !== undefined && way.hops <= hops && way.hops < (nearest?.hops ?? Infinity)) nearest = way;
    }
    return nearest && { ...nearest, hops: Math.min(nearest.hops, hops - 1) };
  }

  #wayToNode(node: PeerId, from?: NodeLink): Way | undefined {
    const link = node === this.#o.id ? undefined : this.#o.hop(node, from);
    if (link === undefined || link === from) return undefined;
    const distance = link.remote === node ? 1 : this.#o.distance(node, from);
    return { link, hops: Math.min(distance, HOPS) };
  }

  #passOn(from: NodeLink, message: Uint8Array, start: number, end: number): void {
    const to = this.abroad.find(message, start + DESTINATION_OFFSET);
    const way = to && this.#wayOn(to.id, from, hopsOf(message, start));
    if (way === undefined) {
      const destination = message.slice(start + DESTINATION_OFFSET, start + DESTINATION_OFFSET + KEY_SIZE);
      return this.#bounce(Reason.absent, message, start + SOURCE_OFFSET, destination);
    }
    this.#batchFor(way.link, end - start).add(start, end, 1, 0, way.hops);
  }

  #deliverAll(from: NodeLink, message: Uint8Array): void {
    const arrivals = this.#arrivals;
    this.#arrivals = this.#spare ?? new Gather();
    this.#spare = undefined;
    for (let slot = 0; slot < arrivals.count; slot++) this.#deliver(arrivals, slot, from, message);
    arrivals.clear();
    this.#spare = arrivals;
  }

  #deliver(arrivals: Gather, slot: number, from: NodeLink, message: Uint8Array): void {
    const { metrics, limits } = this.#o;
    const seat = arrivals.destination(slot);
    const size = arrivals.size(slot);
    seat.linked = true;
    if (gathers(arrivals, slot, message)) return;
    const waiting = hasRoom(seat, from, size, limits.queue)
      ? seat.session.sendBatch(arrivals.batch(slot, message, seat.session.copies))
      : -1;
    if (waiting < 0) {
      const reason = seat.live && seat.session.state === "ready" ? Reason.queueFull : Reason.gone;
      for (const start of arrivals.starts(slot, message)) {
        this.#bounce(reason, message, start + PEER_OFFSET, seat.key);
      }
      return;
    }
    joined(seat, from, size, waiting);
    metrics.framesOut += arrivals.frames(slot);
    metrics.bytesOut += size;
    metrics.messagesOut++;
  }

  #sendOn(batch: ForwardBatch, from: NodeLink, message: Uint8Array): void {
    const reason = this.#send(batch, from, (bytes) => batch.join(message, bytes));
    if (reason === undefined) return;
    for (const start of batch.starts(message)) {
      const at = start + DESTINATION_OFFSET;
      this.#bounce(reason, message, start + SOURCE_OFFSET, message.slice(at, at + KEY_SIZE));
    }
  }

  /** Why it could not be sent. */
  #send(batch: ForwardBatch, from: object, write: (bytes: Uint8Array) => void): Reason | undefined {
    const { link, size } = batch;
    if (!hasRoom(link, from, size, this.#o.limits.queue)) return Reason.queueFull;
    const waiting = link.post(size, batch.frames, write);
    if (waiting < 0) return link.session.state === "ready" ? Reason.queueFull : Reason.gone;
    joined(link, from, size, waiting);
    this.#o.counts.framesOut += batch.frames;
    this.#o.counts.bytesOut += size;
    return undefined;
  }

  #batchFor(link: NodeLink, size: number): ForwardBatch {
    for (const batch of this.#batches) {
      if (batch.link === link && batch.size + size <= MAX_MESSAGE) return batch;
    }
    const batch = new ForwardBatch(link);
    this.#batches.push(batch);
    return batch;
  }

  #takeBatches(): ForwardBatch[] {
    this.#forgetMessage();
    const batches = this.#batches;
    if (batches.length > 0) this.#batches = [];
    return batches;
  }

  #forgetMessage(): void {
    this.#turn++;
    this.#plane = undefined;
    this.#to = undefined;
    this.#pair = undefined;
  }

  /** Once for each source, destination and reason of a message. */
  #bounce(reason: Reason, message: Uint8Array, offset: number, destination: Uint8Array): void {
    const source = message.slice(offset, offset + KEY_SIZE);
    this.#o.metrics.dropped(reason, 1, source);
    const known = this.#bounced.some((other) =>
      other.reason === reason && same(other.source, source) && same(other.destination, destination)
    );
    if (!known) this.#bounced.push({ kind: "undelivered", hops: HOPS, source, destination, reason });
  }

  #sendBack(frame: Undelivered, otherwise: NodeLink | undefined, from?: NodeLink): void {
    const source = peerIdText(frame.source);
    const way = from ? this.#wayOn(source, from, frame.hops) : this.#way(source, 0);
    const { link, hops } = way ?? { link: otherwise, hops: HOPS - 1 };
    if (link && link.session.buffered <= this.#o.limits.queue) {
      link.session.send(encodeUndelivered({ ...frame, hops }));
    }
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
