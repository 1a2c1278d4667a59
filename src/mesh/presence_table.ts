/**
 * What one origin lists, as a faithful copy: the newest change of each peer, by version.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { peerIdBytes } from "../identity/peer_id.ts";
import type { PresenceEntry } from "../wire/mesh_protocol.ts";
import { leftOf } from "../wire/record.ts";
import { TOMBSTONE } from "./presence_limits.ts";
import type { Announced, Told } from "./presence_types.ts";

/** A peer that the origin lists. */
export interface Listed {
  readonly version: number;
  readonly told: Told;
  /** The topics that it is in through this origin. */
  readonly topics: readonly Announced[];
}

interface Grave {
  readonly version: number;
  /** Wall milliseconds. */
  readonly until: number;
}

/** How far an origin is known. */
export interface Point {
  readonly epoch: number;
  readonly version: number;
}

export class OriginTable {
  readonly origin: PeerId;
  readonly key: Uint8Array;
  epoch: number;
  version = 0;
  /** Declared dead: holds nothing, and nothing of this epoch is taken. */
  forgotten = false;
  /** Wall milliseconds of the last change. */
  touched: number;
  /** Both in ascending order of versions, since maps keep the order of insertion. */
  readonly listed: Map<PeerId, Listed> = new Map();
  readonly #graves = new Map<PeerId, Grave>();
  /** No listed record expires before. */
  #soonest = Infinity;

  constructor(origin: PeerId, epoch: number, now: number) {
    this.origin = origin;
    this.key = peerIdBytes(origin);
    this.epoch = epoch;
    this.touched = now;
  }

  get empty(): boolean {
    return this.listed.size === 0 && this.#graves.size === 0;
  }

  get graves(): number {
    return this.#graves.size;
  }

  /** The peer is at the origin. Versions must be given in ascending order. */
  list(peer: PeerId, version: number, told: Told, topics: readonly Announced[] = NO_TOPICS): void {
    this.#graves.delete(peer);
    this.listed.delete(peer);
    this.listed.set(peer, { version, told, topics });
    this.#soonest = Math.min(this.#soonest, soonestOf(told, topics));
  }

  /** The peer left the origin. Versions must be given in ascending order. */
  bury(peer: PeerId, version: number, now: number, most: number): void {
    this.listed.delete(peer);
    this.#graves.delete(peer);
    this.#graves.set(peer, { version, until: now + TOMBSTONE });
    if (this.#graves.size > most) this.#graves.delete(this.#graves.keys().next().value!);
  }

  /** Begins another life; returns the peers that were listed. */
  restart(epoch: number): PeerId[] {
    const peers = [...this.listed.keys()];
    this.epoch = epoch;
    this.version = 0;
    this.forgotten = false;
    this.clear();
    return peers;
  }

  clear(): void {
    this.listed.clear();
    this.#graves.clear();
    this.#soonest = Infinity;
  }

  /** All changes after `version`, ascending. */
  *since(version: number, now: number): Generator<PresenceEntry> {
    const listed = after(this.listed, version);
    const graves = after(this.#graves, version);
    let [here, gone] = [listed.next(), graves.next()];
    while (!here.done || !gone.done) {
      if (gone.done || (!here.done && here.value[1].version < gone.value[1].version)) {
        const [peer, { version, told, topics }] = here.value!;
        yield entryOf(version, peer, told, topics, now);
        here = listed.next();
      } else {
        const [peer, { version }] = gone.value;
        yield { version, peer: peerIdBytes(peer), record: null };
        gone = graves.next();
      }
    }
  }

  /** Removes what has expired: peers that were listed, and topics of those that still are. */
  sweep(now: number): { expired: PeerId[]; thinned: PeerId[] } {
    const expired: PeerId[] = [];
    const thinned: PeerId[] = [];
    for (const [peer, { until }] of this.#graves) {
      if (until > now) break; // dug in the order of time
      this.#graves.delete(peer);
    }
    if (this.#soonest > now) return { expired: expired, thinned: thinned };
    this.#soonest = Infinity;
    for (const [peer, listed] of this.listed) {
      if (listed.told.until <= now) expired.push(peer);
      else this.#soonest = Math.min(this.#soonest, this.#thin(peer, listed, now, thinned));
    }
    for (const peer of expired) this.listed.delete(peer);
    return { expired: expired, thinned: thinned };
  }

  /** Drops topics that have expired; returns when the next does, or the record. */
  #thin(peer: PeerId, { version, told, topics }: Listed, now: number, thinned: PeerId[]): number {
    const lasting = topics.filter(({ expires }) => expires > now);
    if (lasting.length < topics.length) {
      this.listed.set(peer, { version, told, topics: lasting }); // at its old place in the order
      thinned.push(peer);
    }
    return soonestOf(told, lasting);
  }
}

export const NO_TOPICS: readonly Announced[] = [];

function soonestOf({ until }: Told, topics: readonly Announced[]): number {
  return topics.reduce((soonest, { expires }) => Math.min(soonest, expires), until);
}

/** What is told of a peer that is listed. */
export function entryOf(
  version: number,
  peer: PeerId,
  told: Told,
  topics: readonly Announced[],
  now: number,
): PresenceEntry {
  const left = leftOf(told.until, now);
  const entry = { version, peer: peerIdBytes(peer), record: told.signed, left };
  return topics.length === 0 ? entry : { ...entry, topics: topics.map(({ bytes }) => bytes) };
}

function* after<T extends { version: number }>(map: Map<PeerId, T>, version: number): Generator<[PeerId, T]> {
  for (const entry of map) if (entry[1].version > version) yield entry;
}
