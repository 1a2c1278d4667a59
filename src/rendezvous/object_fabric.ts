/**
 * The fabric of a peer's object: frames for another peer go straight to that peer's object, and
 * what is not there to the gateway, which may know it at another node. Everything that is about
 * many peers (watches, topics, attempts) is the gateway's.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Place } from "../mesh/presence_types.ts";
import type { Session } from "../session/session.ts";
import { KEY_SIZE, PEER_OFFSET, setPeer } from "../wire/data_frame.ts";
import { encodeNotice } from "../wire/frames.ts";
import {
  type AuthBody,
  type Control,
  type HeldBytes,
  type PeerRecord,
  Reason,
  type SignedBytes,
} from "../wire/protocol.ts";
import { frameEnd } from "../wire/sequence.ts";
import { acquaint, watch } from "./correspondents.ts";
import type { Fabric, FabricForwarding, FabricParts, FabricPresence } from "./fabric.ts";
import { Gather } from "./gather.ts";
import type { MeshStatus } from "./mesh_status.ts";
import type { NodeLink } from "./node_link.ts";
import type { ObjectPorts } from "./object_ports.ts";
import type { Refusal } from "./refusal.ts";
import { isKeyAt, Registry, Seat } from "./registry.ts";
import type { RefuseBeyond } from "./relay.ts";
import { RemoteSession } from "./remote_session.ts";
import { TokenBucket } from "../session/token_bucket.ts";

/** Other peers' objects that are remembered; all are forgotten when there are more. */
const MAX_REMOTES = 1_024;
/** Milliseconds for which a peer is taken to be where it was. */
const BELIEVED = 60_000;

/** Another peer, by way of its object or of the gateway. */
class Remote extends Seat {
  /** Through the gateway until then, by the clock. */
  abroadUntil = 0;
  /** The first batches wait for each other, until it is known where the peer is: so they keep their order. */
  line: Promise<void> | undefined;
  known = false;
  declare session: RemoteSession;
  declare next: Remote | undefined;
}

export class ObjectFabric implements Fabric, FabricForwarding, FabricPresence {
  readonly #parts: FabricParts;
  readonly #ports: ObjectPorts;
  /** Whether the gateway knows other nodes. */
  readonly #meshed: boolean;
  #remotes = new Registry<Remote>();
  #gather = new Gather();
  #last: Remote | undefined;
  /** The peer's, from its first session on. */
  seat: Seat | undefined;
  readonly inRuns = false;
  readonly #changed: () => void;

  /** `changed`: what is to be kept of a session is not what it was. */
  constructor(parts: FabricParts, ports: ObjectPorts, meshed: boolean, changed: () => void) {
    this.#parts = parts;
    this.#ports = ports;
    this.#meshed = meshed;
    this.#changed = changed;
  }

  get forwarding(): FabricForwarding {
    return this;
  }
  get peers(): FabricPresence {
    return this;
  }

  // Frames that leave.

  follows(message: Uint8Array, offset: number): boolean {
    return this.#last !== undefined && isKeyAt(this.#last.key, message, offset);
  }

  data(source: Seat, message: Uint8Array, start: number, end: number): Reason {
    const offset = start + PEER_OFFSET;
    if (!this.follows(message, offset)) {
      if (!this.#mayMeet(source, message, offset)) return Reason.rateLimited;
      this.#last = this.remote(message, offset);
    }
    const to = this.#last!;
    if (to.session.buffered + end - start > this.#parts.limits.queue) return Reason.queueFull;
    setPeer(message, start, source.key);
    this.#gather.add(to, start, end);
    return Reason.none;
  }

  /** Each id that was not written to before wakes an object: as many as a peer may look up. */
  #mayMeet(source: Seat, message: Uint8Array, offset: number): boolean {
    if (this.#remotes.find(message, offset)) return true;
    const { clock, limits: { lookupsPerSecond, lookupBurst } } = this.#parts;
    source.lookups ??= new TokenBucket(lookupBurst, clock.now());
    return source.lookups.take(1, lookupsPerSecond, lookupBurst, clock.now());
  }

  flush(source: Seat, message: Uint8Array, refuse: RefuseBeyond): void {
    const gather = this.#gather;
    this.#gather = new Gather();
    this.#last = undefined;
    for (let slot = 0; slot < gather.count; slot++) {
      const to = gather.destination(slot) as Remote;
      const batch = gather.batch(slot, message, true);
      if (to.session.buffered + batch.length > this.#parts.limits.queue) {
        this.#refuse(refuse, Reason.queueFull, to, gather.frames(slot));
      } else this.#send(source, to, batch.slice(), gather.frames(slot));
    }
  }

  /** The frames lie in the message, but their destination is overwritten. */
  #refuse(refuse: RefuseBeyond, reason: Reason, to: Remote, frames: number): void {
    refuse(reason, to.key, 0);
    this.#parts.metrics.dropped(reason, frames - 1);
  }

  #send(source: Seat, to: Remote, batch: Uint8Array, frames: number): void {
    this.#acquaint(source, to);
    if (to.known) return void this.#pass(source, to, batch, frames);
    const line = (to.line ?? Promise.resolve()).then(() => this.#pass(source, to, batch, frames));
    to.line = line;
    void line.then(() => {
      if (to.line === line) to.line = undefined;
    });
  }

  async #pass(source: Seat, to: Remote, batch: Uint8Array, frames: number): Promise<void> {
    const { clock } = this.#parts;
    if (clock.now() < to.abroadUntil) return await this.#passAbroad(source, to, batch);
    const reason = await to.session.take(source.key, batch, frames);
    to.known = reason === Reason.none && to.line === undefined;
    if (reason === Reason.none) return;
    to.known = false;
    if (reason === Reason.absent && this.#meshed) {
      to.abroadUntil = clock.now() + BELIEVED;
      return await this.#passAbroad(source, to, batch);
    }
    this.#undelivered(source, to, reason, frames);
  }

  /** The gateway answers for what it cannot deliver. */
  async #passAbroad(source: Seat, to: Remote, batch: Uint8Array): Promise<void> {
    const frames = addressed(batch, to.key);
    try {
      await this.#ports.gateway.forward(source.session.remote, batch);
    } catch {
      this.#undelivered(source, to, Reason.inDoubt, frames);
    }
  }

  #undelivered(source: Seat, to: Remote, reason: Reason, frames: number): void {
    this.#parts.metrics.dropped(reason, frames, source.key);
    if (!source.live || source.session.buffered > this.#parts.limits.queue) return;
    source.session.send(encodeNotice(reason, to.key));
  }

  /** The peer whose key lies there, by way of its object. */
  remote(bytes: Uint8Array, offset: number = 0): Remote {
    const known = this.#remotes.find(bytes, offset);
    if (known) return known;
    if (this.#remotes.size >= MAX_REMOTES) this.#remotes = new Registry();
    const peer = peerIdText(bytes.subarray(offset, offset + KEY_SIZE));
    const lost = () => void this.#remotes.remove(remote);
    const session = new RemoteSession({ peer, port: this.#ports.peer(peer), lost });
    const remote: Remote = new Remote(session.remoteKey, session);
    this.#remotes.add(remote);
    return remote;
  }

  /** What the gateway says of a peer may mean that it is not where it was. */
  heard(frame: Control | undefined): void {
    if (frame?.kind !== "notice") return;
    const remote = this.#remotes.find(frame.peer);
    if (remote) remote.abroadUntil = 0;
  }

  #acquaint(source: Seat, to: Seat): void {
    if (source.correspondents?.has(to)) return;
    acquaint(source, to, this.#parts.limits.correspondents);
    this.#changed();
  }

  /** `asker` will be told when the peer here leaves. */
  listens(seat: Seat, asker: Uint8Array): void {
    const remote = this.remote(asker);
    if (seat.correspondents?.has(remote)) return;
    watch(seat, remote, this.#parts.limits.correspondents);
    this.#changed();
  }

  // Questions.

  async lookup(peer: Uint8Array, asker: Seat): Promise<HeldBytes | undefined> {
    const id = peerIdText(peer);
    const here = await this.#ports.peer(id).find(asker.key);
    return here ?? (this.#meshed ? await this.#ports.gateway.find(id) : null) ?? undefined;
  }

  async enter(auth: AuthBody): Promise<Refusal | undefined> {
    return await this.#ports.gateway.enter(peerIdText(auth.id)) ?? undefined;
  }

  // What the gateway is told.

  seated(seat: Seat, address: string): void {
    const { remote: peer, id, auth } = seat.session;
    this.seat = seat;
    this.#changed();
    this.#tell(this.#ports.gateway.arrived({ peer, address, auth: auth!, session: id }));
  }

  here(peer: PeerId, _record: PeerRecord, record: SignedBytes): void {
    this.#changed();
    this.#tell(this.#ports.gateway.control(peer, { kind: "publish", record }));
  }

  gone(peer: PeerId, { id }: Session): void {
    this.#tell(this.#ports.gateway.left(peer, id));
  }

  control(seat: Seat, frame: Control): boolean {
    this.#tell(this.#ports.gateway.control(seat.session.remote, frame));
    return true;
  }

  #tell(call: Promise<void>): void {
    call.catch((error) =>
      this.#parts.log.warn("the gateway did not answer: {error}", { error: String(error) })
    );
  }

  // What only nodes of a mesh have.

  readonly presence = {
    find: (): Place | undefined => undefined,
    watch(): void {},
    unwatch(): void {},
    members: (): ReadonlySet<PeerId> => NOBODY,
  };
  announce(): void {}
  toNode(): NodeLink | undefined {
    return undefined;
  }
  toPeer(): NodeLink | undefined {
    return undefined;
  }
  obstacle(): string {
    return "this node dials other nodes itself; take its peers' deployment out of --join";
  }
  receive(): NodeLink {
    throw new Error("no node has a session with the object of a peer");
  }
  listensAt(): void {}
  otherUrls(): string[] {
    return [];
  }
  status(): MeshStatus | undefined {
    return undefined;
  }
  leave(): void {}
}

const NOBODY: ReadonlySet<PeerId> = new Set();

/** Writes the destination into each frame again, and counts them. */
function addressed(batch: Uint8Array, to: Uint8Array): number {
  let frames = 0;
  for (let start = 0; start < batch.length; start = frameEnd(batch, start), frames++) {
    setPeer(batch, start, to);
  }
  return frames;
}
