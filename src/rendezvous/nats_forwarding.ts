/**
 * Data between nodes over NATS. As on one node, the frames of one incoming message leave as one message
 * for each destination, with the source written over it: what arrives is what the peer's socket gets.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { dataEnd, dataFrameSize, isData, KEY_SIZE, PEER_OFFSET, setPeer } from "../wire/data_frame.ts";
import { decodeControl, encodeNotice, encodeUndelivered } from "../wire/frames.ts";
import { MAX_BATCH } from "../wire/limits.ts";
import { type HeldBytes, Reason } from "../wire/protocol.ts";
import { leftOf } from "../wire/record.ts";
import { Abroad, type Foreigner, type Whereabouts } from "./abroad.ts";
import type { FabricForwarding } from "./fabric.ts";
import { Gather } from "./gather.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NatsLine } from "./nats_line.ts";
import type { NatsNode } from "./nats_nodes.ts";
import type { NatsMessage } from "./nats_port.ts";
import { keyOf, lastToken, type NatsSubjects } from "./nats_subjects.ts";
import type { NodeLimits } from "./node_limits.ts";
import { hasRoom, joined } from "./queue_room.ts";
import { isKeyAt, type Registry, type Seat } from "./registry.ts";
import type { RefuseBeyond } from "./relay.ts";

/** The node through which a peer is reached. */
interface NatsWay {
  readonly link: NatsNode;
}

type Reached = Foreigner<NatsWay>;

export interface NatsForwardingOptions {
  id: PeerId;
  line: NatsLine;
  subjects: NatsSubjects;
  /** Bytes of the largest message that NATS takes, now. */
  maxPayload: () => number;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  counts: MeshCounts;
  presence: Whereabouts;
  wall: () => number;
  node: (id: PeerId) => NatsNode | undefined;
  numbered: (number: number) => NatsNode | undefined;
  /** The server knows nobody who listens for it. */
  unheard: (node: NatsNode) => void;
  /** Asks the other nodes for a peer that is not known here. */
  ask: (peer: Uint8Array) => Promise<HeldBytes | undefined>;
}

export class NatsForwarding implements FabricForwarding {
  readonly inRuns = false;
  readonly abroad: Abroad<NatsWay>;
  readonly #o: NatsForwardingOptions;
  /** Counts messages: what was found for one is not believed in the next. */
  #turn = 0;
  #plane: number | undefined;
  #gather = new Gather<Reached>();
  #to: Reached | undefined;
  /** For whom the latest message came. */
  #latest: { token: string; seat: Seat } | undefined;

  constructor(options: NatsForwardingOptions) {
    this.#o = options;
    this.abroad = new Abroad(options.presence, () => options.limits.correspondents);
  }

  // From peers here.

  data(source: Seat, message: Uint8Array, start: number, end: number): Reason {
    const to = this.#destination(message, start + PEER_OFFSET, source);
    if (to === undefined || !this.#o.line.up || this.#wayOf(to, source) === undefined) return this.#noWay();
    if (end - start > this.#o.maxPayload()) return Reason.tooLarge;
    setPeer(message, start, source.key);
    this.#gather.add(to, start, end);
    return Reason.none;
  }

  follows(message: Uint8Array, offset: number): boolean {
    return this.#to !== undefined && isKeyAt(this.#to.key, message, offset);
  }

  flush(source: Seat, message: Uint8Array, refuse: RefuseBeyond): void {
    const gather = this.#gather;
    for (let slot = 0; slot < gather.count; slot++) {
      const to = gather.destination(slot);
      for (const batch of parts(gather.batch(slot, message, false), this.#o.maxPayload())) {
        const reason = this.#send(source, to, batch);
        if (reason === Reason.none) continue;
        this.#o.metrics.dropped(reason, framesIn(batch) - 1);
        refuse(reason, to.key, 0);
      }
    }
    gather.clear();
    this.#forgetMessage();
  }

  /** No flush may follow: what was found now is not for the next message. */
  #noWay(): Reason {
    this.#forgetMessage();
    return Reason.absent;
  }

  #forgetMessage(): void {
    this.#turn++;
    this.#plane = this.#to = undefined;
  }

  lookup(peer: Uint8Array, asker: Seat): HeldBytes | undefined | Promise<HeldBytes | undefined> {
    const foreigner = this.abroad.find(peer, 0);
    const place = foreigner && this.#o.presence.find(foreigner.id);
    if (foreigner === undefined || place === undefined) return this.#o.ask(peer);
    this.abroad.listen(foreigner, asker);
    return { ...place.signed, left: leftOf(place.until, this.#o.wall()) };
  }

  /** The node of a peer that is elsewhere; from now on its departure is told. */
  wayTo(peer: Uint8Array): NatsNode | undefined {
    const foreigner = this.abroad.find(peer, 0);
    return foreigner && this.#nodeOf(foreigner.id, 0);
  }

  #destination(message: Uint8Array, offset: number, source: Seat): Reached | undefined {
    if (this.follows(message, offset)) return this.#to;
    const to = this.#to = this.abroad.find(message, offset);
    if (to !== undefined) this.abroad.listen(to, source);
    return to;
  }

  /** The node to which all frames of this message for that peer go. */
  #wayOf(to: Reached, source: Seat): NatsWay | undefined {
    if (to.turn === this.#turn) return to.way;
    to.turn = this.#turn;
    this.#plane ??= this.#planeOf(source);
    const link = this.#nodeOf(to.id, this.#plane);
    return to.way = link && (to.way?.link === link ? to.way : { link });
  }

  /** What a peer sends through its standby goes to the standby of the other one, as between nodes of a mesh. */
  #planeOf(source: Seat): number {
    const nodes = this.#o.presence.find(source.session.remote)?.nodes;
    return nodes !== undefined && nodes.indexOf(this.#o.id) >= 1 ? 1 : 0;
  }

  #nodeOf(peer: PeerId, plane: number): NatsNode | undefined {
    const nodes = this.#o.presence.find(peer)?.nodes ?? [];
    const first = nodes[Math.min(plane, nodes.length - 1)];
    let doubtful: NatsNode | undefined;
    for (const id of [first, ...nodes]) {
      const node = id === undefined ? undefined : this.#o.node(id);
      if (node !== undefined && !node.doubted) return node;
      doubtful ??= node; // it may be silent to this node alone
    }
    return doubtful;
  }

  #send(source: Seat, to: Reached, batch: Uint8Array): Reason {
    const { line, subjects, counts } = this.#o;
    const link = to.way?.link;
    if (link === undefined) return Reason.absent;
    const reply = subjects.back(link.number, source.session.remote, to.id);
    if (!line.publish(subjects.to(link.remote, to.id), batch, source, reply)) {
      return line.up ? Reason.queueFull : Reason.absent;
    }
    link.answering.sent();
    counts.framesOut += framesIn(batch);
    counts.bytesOut += batch.length;
    return Reason.none;
  }

  /** What could not be delivered, or where nobody listens. Never answered. */
  back(message: NatsMessage): void {
    const read = this.#o.subjects.readBack(message.subject);
    if (!read) return this.#o.counts.refused("malformed");
    const { source, destination, through } = read;
    const reason = message.nobody ? this.#unheard(through, destination) : this.#reasonOf(message.data);
    const seat = this.#o.registry.find(source);
    if (reason === undefined) return this.#o.counts.refused("malformed");
    if (message.nobody && seat) this.#o.metrics.dropped(reason, 1);
    if (seat && seat.session.buffered <= this.#o.limits.queue) {
      seat.session.send(encodeNotice(reason, destination));
    }
  }

  #reasonOf(data: Uint8Array): Reason | undefined {
    const frame = decodeControl(data);
    return frame?.kind === "undelivered" ? frame.reason : undefined;
  }

  /** Its node is not at NATS: whether there is another one decides what its sender is told. */
  #unheard(through: number, destination: Uint8Array): Reason {
    const node = this.#o.numbered(through);
    if (node) this.#o.unheard(node);
    const next = this.wayTo(destination);
    return next === undefined || next.doubted ? Reason.absent : Reason.inDoubt;
  }

  // For peers here.

  arrived({ subject, data, reply }: NatsMessage): void {
    const { counts, metrics } = this.#o;
    const source = data.subarray(PEER_OFFSET, PEER_OFFSET + KEY_SIZE);
    const frames = framesIn(data, source);
    if (frames < 0) return counts.refused("malformed");
    counts.framesIn += frames;
    const reason = this.#deliver(lastToken(subject), data, source);
    if (reason === Reason.none) {
      metrics.framesOut += frames;
      metrics.bytesOut += data.length;
      metrics.messagesOut++;
    } else {
      metrics.dropped(reason, frames);
      this.#bounce(reason, subject, source, reply);
    }
  }

  #deliver(token: string, data: Uint8Array, source: Uint8Array): Reason {
    const { limits } = this.#o;
    const seat = this.#seatOf(token);
    if (seat === undefined) return Reason.absent;
    if (largestIn(data) > dataFrameSize(limits.payload)) return Reason.tooLarge;
    const from = this.abroad.find(source, 0);
    if (from !== undefined) this.abroad.listen(from, seat);
    if (!hasRoom(seat, from ?? this, data.length, limits.queue)) return Reason.queueFull;
    // It is a view of a larger chunk, which a waiting message would keep; `slice` of a Buffer is no copy.
    const waiting = seat.session.sendBatch(seat.session.copies ? data : Uint8Array.from(data));
    if (waiting < 0) return seat.live && seat.session.state === "ready" ? Reason.queueFull : Reason.gone;
    joined(seat, from ?? this, data.length, waiting);
    seat.linked = true;
    return Reason.none;
  }

  #seatOf(token: string): Seat | undefined {
    if (this.#latest?.token === token && this.#latest.seat.live) return this.#latest.seat;
    const key = keyOf(token);
    const seat = key && this.#o.registry.find(key);
    this.#latest = seat && { token, seat };
    return seat;
  }

  #bounce(reason: Reason, subject: string, source: Uint8Array, reply: string | undefined): void {
    const destination = keyOf(lastToken(subject));
    if (destination === undefined || reply === undefined || !this.#o.subjects.isReply(reply)) return;
    const frame = encodeUndelivered({ hops: 0, source, destination, reason });
    this.#o.line.publish(reply, frame);
  }
}

/** How many data frames there are; -1 when there is anything else, or one from somebody but `source`. */
function framesIn(batch: Uint8Array, source?: Uint8Array): number {
  let frames = 0;
  for (let start = 0; start < batch.length; frames++) {
    const end = isData(batch, start) ? dataEnd(batch, start) : -1;
    if (end < 0 || frames === MAX_BATCH) return -1;
    if (source !== undefined && !isKeyAt(source, batch, start + PEER_OFFSET)) return -1;
    start = end;
  }
  return frames === 0 ? -1 : frames;
}

function largestIn(batch: Uint8Array): number {
  let largest = 0;
  for (let start = 0; start < batch.length;) {
    const end = dataEnd(batch, start);
    largest = Math.max(largest, end - start);
    start = end;
  }
  return largest;
}

/** The batch in pieces of whole frames, each of `most` bytes at most; no frame is larger. */
export function* parts(batch: Uint8Array, most: number): Generator<Uint8Array> {
  let begin = 0;
  while (batch.length - begin > most) {
    let cut = begin;
    for (let end = dataEnd(batch, cut); end - begin <= most; end = dataEnd(batch, cut)) cut = end;
    yield batch.subarray(begin, cut);
    begin = cut;
  }
  yield batch.subarray(begin);
}
