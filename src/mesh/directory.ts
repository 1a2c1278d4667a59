/**
 * Where each peer is: the newest record decides, and of the nodes it names those that
 * list the peer with a record of the same instance. So whoever moved, or began anew, is
 * never looked for at its old place, even while that place still lists it.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { compareBytes } from "../wire/cbor.ts";
import { RECORD_LIFETIME } from "../wire/limits.ts";
import type { PeerRecord } from "../wire/protocol.ts";
import { compareRecords } from "../wire/record.ts";
import type { Place, Told } from "./presence_types.ts";

interface Known {
  /** One string for all maps: an id takes more memory than what is said about it. */
  readonly id: PeerId;
  told: Told;
  /** As the record names them: home first. */
  named: PeerId[];
  /** Those of them that list the peer. */
  nodes: readonly PeerId[];
}

/** How the nodes of a peer changed. */
export interface Change {
  before: readonly PeerId[];
  after: readonly PeerId[];
}

const NOWHERE: readonly PeerId[] = [];
const SAME: Change = { before: NOWHERE, after: NOWHERE };

export class Directory {
  /** What a node lists of a peer. */
  readonly #listed: (node: PeerId, peer: PeerId) => Told | undefined;
  readonly #known = new Map<PeerId, Known>();
  /** Peers that are nowhere: their newest record is remembered, or an older one would count again. */
  readonly #away = new Set<PeerId>();
  /** None of them is forgotten before, wall milliseconds. */
  #soonest = Infinity;
  readonly #sameId: (node: PeerId) => PeerId;
  readonly #mostAway: number;

  /** `sameId` gives the string that is already kept of a node's id. */
  constructor(
    listed: (node: PeerId, peer: PeerId) => Told | undefined,
    sameId: (node: PeerId) => PeerId,
    mostAway: number,
  ) {
    this.#listed = listed;
    this.#sameId = sameId;
    this.#mostAway = mostAway;
  }

  /** Peers that are somewhere. */
  get count(): number {
    return this.#known.size - this.#away.size;
  }

  find(peer: PeerId): Place | undefined {
    const known = this.#known.get(peer);
    if (!known || known.nodes.length === 0) return undefined;
    return { nodes: known.nodes, ...known.told };
  }

  /** The string that is already kept of this id. */
  sameId(peer: PeerId): PeerId {
    return this.#known.get(peer)?.id ?? peer;
  }

  /** The newest record of a peer, wherever the peer is. */
  newest(peer: PeerId): Told | undefined {
    return this.#known.get(peer)?.told;
  }

  /** A verified record: the newest is kept. */
  hear(peer: PeerId, told: Told): void {
    const known = this.#known.get(peer);
    if (known && !isNewer(told, known.told)) return;
    const named = [...new Set(told.record.nodes.map((key) => this.#sameId(peerIdText(key))))];
    if (known) return void Object.assign(known, { told, named });
    this.#known.set(peer, { id: peer, told, named, nodes: NOWHERE });
    this.#away.add(peer);
    this.#soonest = Math.min(this.#soonest, this.#outdated(peer));
  }

  /** Where the peer is now, after what a node lists or the newest record changed. */
  settle(peer: PeerId): Change {
    const known = this.#known.get(peer);
    if (!known) return SAME;
    const before = known.nodes;
    const listing = known.named.filter((node) => this.counts(node, peer));
    known.nodes = listing.length === known.named.length ? known.named : listing;
    if (known.nodes.length > 0) this.#away.delete(peer);
    else this.#leave(peer);
    return { before, after: known.nodes };
  }

  /** Whether `node` names `peer` under the newest record, in a record of the same instance. */
  counts(node: PeerId, peer: PeerId): boolean {
    const known = this.#known.get(peer);
    const listed = this.#listed(node, peer);
    if (!known || !listed || !known.named.includes(node)) return false;
    return sameInstance(listed.record, known.told.record);
  }

  /** Forgets peers that are nowhere once no older record of theirs can be valid. */
  sweep(now: number): void {
    if (this.#soonest > now) return;
    this.#soonest = Infinity;
    for (const peer of this.#away) {
      if (this.#outdated(peer) <= now) this.#forget(peer);
      else this.#soonest = Math.min(this.#soonest, this.#outdated(peer));
    }
  }

  #leave(peer: PeerId): void {
    this.#away.add(peer);
    this.#soonest = Math.min(this.#soonest, this.#outdated(peer));
    if (this.#away.size > this.#mostAway) this.#forget(this.#away.values().next().value!);
  }

  /** When no older record of a peer can be valid any more, wall milliseconds. */
  #outdated(peer: PeerId): number {
    return this.#known.get(peer)!.told.until + RECORD_LIFETIME;
  }

  #forget(peer: PeerId): void {
    this.#away.delete(peer);
    this.#known.delete(peer);
  }
}

/** By the protocol's order; two records of one version, which no honest peer signs, by their bytes, alike on all nodes. */
export function isNewer(a: Told, b: Told): boolean {
  return (compareRecords(a.record, b.record) || compareBytes(a.signed.body, b.signed.body)) > 0;
}

function sameInstance(a: PeerRecord, b: PeerRecord): boolean {
  return a.started === b.started && compareBytes(a.instance, b.instance) === 0;
}
