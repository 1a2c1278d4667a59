/**
 * Who is told where whom is: peers here that asked for it, about peers anywhere. News
 * comes from the presence of the mesh, or of this node where there is no mesh.
 *
 * @module
 */
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { encodeSighting } from "../wire/frames.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Seat } from "./registry.ts";
import { TokenBucket } from "../session/token_bucket.ts";

export interface WatchesOptions {
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  /** The first node of a peer, now. */
  locate: (peer: PeerId) => PeerId | undefined;
  /** From now on {@link Watches.moved} is called for this peer, or no longer. */
  begin?: (peer: PeerId) => void;
  end?: (peer: PeerId) => void;
}

interface Watched {
  readonly key: Key;
  /** As its watchers were told. */
  node: PeerId | undefined;
  readonly watchers: Set<Seat>;
}

interface Watcher {
  readonly peers: Set<PeerId>;
  /** Not told yet, since it does not read what it was told before. */
  readonly untold: Set<PeerId>;
  readonly asking: TokenBucket;
}

export class Watches {
  readonly #o: WatchesOptions;
  readonly #watched = new Map<PeerId, Watched>();
  readonly #watchers = new Map<Seat, Watcher>();
  #count = 0;

  constructor(options: WatchesOptions) {
    this.#o = options;
  }

  /** Pairs of a watcher and a watched peer. */
  get count(): number {
    return this.#count;
  }

  /** Each of these is answered, also one that is watched already. */
  watch(seat: Seat, peers: readonly Key[]): void {
    const { limits, clock } = this.#o;
    const now = clock.now();
    const burst = 2 * limits.watches; // a watcher that comes back asks for all of them at once
    const watcher = this.#watchers.get(seat) ??
      { peers: new Set(), untold: new Set(), asking: new TokenBucket(burst, now) };
    this.#watchers.set(seat, watcher);
    for (const key of peers) {
      const allowed = watcher.asking.take(1, limits.lookupsPerSecond, burst, now);
      this.#ask(seat, watcher, key, allowed ? this.#obstacle(watcher, peerIdText(key)) : Reason.rateLimited);
    }
  }

  unwatch(seat: Seat, peers: readonly Key[]): void {
    for (const key of peers) this.#remove(seat, peerIdText(key));
  }

  /** A watcher's seat is taken from it. */
  left(seat: Seat): void {
    for (const peer of [...this.#watchers.get(seat)?.peers ?? []]) this.#remove(seat, peer);
    this.#watchers.delete(seat);
  }

  /** A peer is at this node first now, or at none. */
  moved(peer: PeerId, node: PeerId | undefined): void {
    const watched = this.#watched.get(peer);
    if (watched === undefined || watched.node === node) return;
    watched.node = node;
    for (const seat of watched.watchers) this.#tell(seat, peer, watched);
  }

  /** The watcher has read what it was told: what it missed is told as it is now. */
  drained(seat: Seat): void {
    const untold = this.#watchers.get(seat)?.untold;
    if (untold === undefined || untold.size === 0) return;
    const peers = [...untold];
    untold.clear();
    for (const peer of peers) this.#tell(seat, peer, this.#watched.get(peer)!);
  }

  #obstacle({ peers }: Watcher, peer: PeerId): Reason {
    if (peers.has(peer)) return Reason.none;
    if (peers.size >= this.#o.limits.watches) return Reason.overQuota;
    return this.#count >= this.#o.limits.watchesInAll ? Reason.overCapacity : Reason.none;
  }

  #ask(seat: Seat, watcher: Watcher, key: Key, obstacle: Reason): void {
    if (obstacle === Reason.none) return this.#tell(seat, peerIdText(key), this.#add(seat, watcher, key));
    this.#o.metrics.watchesRefused(obstacle, seat.key);
    if (this.#hasRoom(seat)) seat.session.send(encodeSighting(obstacle, key, null));
  }

  #add(seat: Seat, { peers }: Watcher, key: Key): Watched {
    const peer = peerIdText(key);
    const watched = this.#watched.get(peer) ?? this.#begin(peer, key);
    if (!peers.has(peer)) this.#count++;
    peers.add(peer);
    watched.watchers.add(seat);
    return watched;
  }

  #begin(peer: PeerId, key: Key): Watched {
    this.#o.begin?.(peer);
    const watched = { key: key.slice(), node: this.#o.locate(peer), watchers: new Set<Seat>() };
    this.#watched.set(peer, watched);
    return watched;
  }

  #remove(seat: Seat, peer: PeerId): void {
    const watcher = this.#watchers.get(seat);
    if (!watcher?.peers.delete(peer)) return;
    watcher.untold.delete(peer);
    this.#count--;
    const watched = this.#watched.get(peer)!;
    watched.watchers.delete(seat);
    if (watched.watchers.size > 0) return;
    this.#watched.delete(peer);
    this.#o.end?.(peer);
  }

  #tell(seat: Seat, peer: PeerId, { key, node }: Watched): void {
    if (!this.#hasRoom(seat)) return void this.#watchers.get(seat)?.untold.add(peer);
    const reason = node === undefined ? Reason.absent : Reason.none;
    seat.session.send(encodeSighting(reason, key, node === undefined ? null : peerIdBytes(node)));
    this.#o.metrics.sightings++;
  }

  #hasRoom(seat: Seat): boolean {
    return seat.live && seat.session.buffered <= this.#o.limits.queue;
  }
}
