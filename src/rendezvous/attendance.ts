/**
 * Who is here: told to the other nodes, where there are any, and to those who asked to be
 * told.
 *
 * @module
 */
import { type PeerId, peerIdBytes } from "../identity/peer_id.ts";
import type { Announced } from "../mesh/presence_types.ts";
import { TopicIndex } from "../mesh/topic_index.ts";
import type { Clock } from "../session/clock.ts";
import type { PeerRecord, SignedBytes } from "../wire/protocol.ts";
import type { FabricPresence } from "./fabric.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Registry, Seat } from "./registry.ts";
import { Topics } from "./topics.ts";
import { Watches } from "./watches.ts";

export interface AttendanceOptions {
  id: PeerId;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  /** Where peers are in the mesh. Without one, all there is to know is who is here. */
  mesh: FabricPresence | undefined;
  network: string;
  random: (length: number) => Uint8Array;
}

export class Attendance {
  readonly watches: Watches;
  readonly topics: Topics;
  /** Topics of the peers here, where there is no mesh. */
  readonly #index = new TopicIndex();
  readonly #o: AttendanceOptions;

  constructor(options: AttendanceOptions) {
    const { limits, metrics, clock, mesh } = options;
    this.#o = options;
    this.watches = new Watches({
      limits,
      metrics,
      clock,
      locate: (peer) => this.#locate(peer),
      begin: (peer) => mesh?.presence.watch(peer),
      end: (peer) => mesh?.presence.unwatch(peer),
    });
    this.topics = new Topics({
      ...options,
      random: () => new DataView(options.random(4).buffer).getUint32(0) / 2 ** 32,
      members: (topic) => mesh ? mesh.presence.members(topic) : this.#index.members(topic),
      settle: (seat, topics) => this.#announce(seat, topics),
    });
  }

  get counts(): { watches: number; announcements: number } {
    return { watches: this.watches.count, announcements: this.topics.count };
  }

  /** The record of a peer here was verified. */
  kept(seat: Seat, record: PeerRecord, signed: SignedBytes): void {
    const { mesh, id } = this.#o;
    const peer = seat.session.remote;
    if (mesh) mesh.here(peer, record, signed);
    else this.watches.moved(peer, id);
    this.topics.kept(seat);
  }

  /** A peer's seat was taken from it. */
  vacated(seat: Seat): void {
    const { mesh } = this.#o;
    const peer = seat.session.remote;
    this.watches.left(seat);
    this.topics.left(seat);
    if (mesh) return mesh.gone(peer, seat.session);
    this.watches.moved(peer, undefined);
    this.#announce(seat, []);
  }

  #announce(seat: Seat, topics: readonly Announced[]): void {
    const { mesh } = this.#o;
    const peer = seat.session.remote;
    if (mesh) return mesh.announce(peer, topics);
    const ids = new Set(seat.record?.signed ? topics.map(({ topic }) => topic) : []);
    for (const change of this.#index.settle(peer, ids)) this.topics.changed(change);
  }

  #locate(peer: PeerId): PeerId | undefined {
    const { mesh, registry, id } = this.#o;
    if (mesh) return mesh.presence.find(peer)?.nodes[0];
    return registry.find(peerIdBytes(peer))?.record?.signed && id;
  }
}
