/**
 * What the objects of all peers share: who is here, room and metrics, watches, topics and attempts,
 * and the sessions with other nodes. A node whose guests have their sessions elsewhere.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { systemClock } from "../session/clock.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { type Control, type HeldBytes, Reason } from "../wire/protocol.ts";
import { frameEnd } from "../wire/sequence.ts";
import { leftOf, readRecord } from "../wire/record.ts";
import type { Guest } from "./guest.ts";
import type { TrafficCounts } from "./metrics.ts";
import { RendezvousNode } from "./node.ts";
import type { NodeOptions } from "./node_options.ts";
import type { Arrival, GatewayPort, PeerPort } from "./object_ports.ts";
import type { Refusal } from "./refusal.ts";
import { RemoteSession } from "./remote_session.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Keeps what the gateway has to know of each peer after it slept. */
export interface Shelf {
  put(peer: PeerId, kept: KeptGuest): void;
  remove(peer: PeerId): void;
  all(): Iterable<[PeerId, KeptGuest]>;
}

/** Structured-cloneable. */
export interface KeptGuest {
  arrival: Arrival;
  /** Frames that say all that the peer told, as if it told them again. */
  frames: Control[];
}

interface Present {
  guest: Guest;
  session: RemoteSession;
  arrival: Arrival;
  told: Subscriptions;
}

export class ObjectGateway implements GatewayPort {
  readonly node: RendezvousNode;
  readonly #peer: (id: PeerId) => PeerPort;
  readonly #shelf: Shelf;
  readonly #here = new Map<PeerId, Present>();
  readonly #clock: NonNullable<NodeOptions["clock"]>;

  constructor(options: NodeOptions, peer: (id: PeerId) => PeerPort, shelf: Shelf) {
    this.node = new RendezvousNode(options);
    this.#peer = peer;
    this.#shelf = shelf;
    this.#clock = options.clock ?? systemClock;
  }

  /** Goes on after it slept: records first, so that nobody is told that somebody is gone. */
  async restore(): Promise<void> {
    const kept = [...this.#shelf.all()];
    for (const [, { arrival }] of kept) this.#welcome(arrival);
    const replay = ({ arrival, frames }: KeptGuest, first: boolean) =>
      frames.filter(({ kind }) => (kind === "publish") === first).map((frame) =>
        this.#hear(arrival.peer, frame)
      );
    for (const first of [true, false]) await Promise.all(kept.flatMap(([, guest]) => replay(guest, first)));
  }

  // deno-lint-ignore require-await -- of a port
  async enter(peer: PeerId): Promise<Refusal | null> {
    if (this.node.draining) return { reason: Reason.draining, text: "this node is leaving" };
    if (this.#here.has(peer) || this.node.sessions < this.node.limits.sessions) return null;
    return { reason: Reason.overCapacity, text: "this node is full" };
  }

  // deno-lint-ignore require-await -- of a port
  async arrived(arrival: Arrival): Promise<void> {
    this.#welcome(arrival);
    this.#keep(arrival.peer);
  }

  // deno-lint-ignore require-await -- of a port
  async left(peer: PeerId, session: string): Promise<void> {
    const present = this.#here.get(peer);
    if (present?.session.id !== session) return;
    present.session.state = "closed";
    const text = "its session ended";
    this.#closed(present, { reason: Reason.closed, text, nodes: [], by: "remote", wasReady: true });
  }

  async control(peer: PeerId, frame: Control): Promise<void> {
    const present = this.#here.get(peer);
    if (!present) return;
    const changed = present.told.took(frame);
    await this.#hear(peer, frame);
    if (changed) this.#keep(peer);
  }

  // deno-lint-ignore require-await -- of a port
  async forward(peer: PeerId, batch: Uint8Array): Promise<void> {
    const present = this.#here.get(peer);
    if (!present) return;
    const { guest, session } = present;
    const { metrics } = this.node;
    const { framesIn, bytesIn } = metrics; // the peer's own object counted them
    for (let start = 0; start < batch.length;) {
      const end = frameEnd(batch, start);
      guest.data(session, batch, start, end);
      start = end;
    }
    guest.endOfMessage(session);
    Object.assign(metrics, { framesIn, bytesIn });
  }

  // deno-lint-ignore require-await -- of a port
  async find(peer: PeerId): Promise<HeldBytes | null> {
    const place = this.node.place(peer);
    return place ? { ...place.signed, left: leftOf(place.until, this.#clock.wall()) } : null;
  }

  // deno-lint-ignore require-await -- of a port
  async count(counts: TrafficCounts): Promise<void> {
    this.node.metrics.addTraffic(counts);
  }

  /** Asks for those whose record was not renewed whether they are there: an object may end without a word. */
  async sweep(): Promise<void> {
    const now = this.#clock.wall();
    const stale = [...this.#here.values()].filter(({ told }) => (told.record?.expires ?? 0) <= now);
    await Promise.all(stale.map(({ session }) => this.#lost(session)));
  }

  #welcome(arrival: Arrival): void {
    const { peer, auth, session: id, address } = arrival;
    const session = new RemoteSession({
      peer,
      port: this.#peer(peer),
      auth,
      id,
      lost: () => void this.#lost(session),
      closed: (session, end) => {
        const present = this.#here.get(peer);
        if (present?.session === session) this.#closed(present, end);
        else guest.closed(session, end);
      },
    });
    const before = this.#here.get(peer);
    const guest = this.node.welcome(session, { claimed: peer, address });
    if (guest.seat === undefined) return; // it was turned away
    // The same process over a new session says nothing again.
    const told = before?.guest.seat === guest.seat ? before.told : new Subscriptions(readRecord);
    this.#here.set(peer, { guest, session, arrival, told });
  }

  #hear(peer: PeerId, frame: Control): void | Promise<void> {
    const present = this.#here.get(peer);
    return present?.guest.control(present.session, frame);
  }

  async #lost(session: Session): Promise<void> {
    const here = await this.#peer(session.remote).present().catch(() => session.id);
    if (here !== session.id) await this.left(session.remote, session.id);
  }

  #closed({ guest, session }: Present, end: SessionEnd): void {
    this.#here.delete(session.remote);
    this.#shelf.remove(session.remote);
    guest.closed(session, end);
  }

  #keep(peer: PeerId): void {
    const present = this.#here.get(peer);
    if (present) this.#shelf.put(peer, { arrival: present.arrival, frames: present.told.frames() });
  }
}
