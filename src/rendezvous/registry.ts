/**
 * Who is here: one {@link Seat} for each peer with a session at this node, found from
 * the raw bytes of a frame.
 *
 * @module
 */
import type { Session } from "../session/session.ts";
import { KEY_SIZE } from "../wire/data_frame.ts";
import type { SignedBytes } from "../wire/protocol.ts";
import type { Shares } from "./shares.ts";
import type { TokenBucket } from "../session/token_bucket.ts";
import type { Quotas } from "./quotas.ts";
import type { Throttle } from "./throttle.ts";

/** A seat's record, and who waits until one that just came is verified. */
export interface HeldRecord {
  signed: SignedBytes | undefined;
  /** Milliseconds since 1970. */
  expires: number;
  /** Publishes whose signature is being checked. */
  verifying: number;
  waiting: (() => void)[] | undefined;
}

/**
 * A peer's place at this node. When the same process of the peer comes back over a new
 * socket, the seat stays and only its session changes. What most peers never need is
 * allocated when it is first needed: an idle peer costs one small object.
 */
export class Seat {
  // What each data frame needs comes first, so that it lies in one line of the processor's cache.
  session: Session;
  /** False once the peer left; caches of seats look here before they believe. */
  live = true;
  readonly key: Uint8Array;
  /** Where the latest frame went: most peers talk with one other for a while. */
  last: Seat | undefined;
  /** Bytes waiting in the socket as the latest send reported them. */
  waiting = 0;
  /** This seat's place in the batch that is being gathered, see `relay.ts`. */
  slot = 0;
  /** Whether it ever sent data that went out, or got any: it is a party to a link. */
  linked = false;
  /** What its access grants, where that is less than the limits. */
  quotas: Quotas | undefined;
  /** Who learns at once when this peer leaves, oldest first. */
  correspondents: Set<Seat> | undefined;
  record: HeldRecord | undefined;
  /** Whose bytes wait, once many do. */
  shares: Shares<object> | undefined;
  lookups: TokenBucket | undefined;
  sending: Throttle | undefined;
  /** The next seat whose key begins alike. */
  next: Seat | undefined;

  constructor(key: Uint8Array, session: Session) {
    this.key = key;
    this.session = session;
  }
}

/** Whether the 32 bytes at `offset` are `key`. */
export function isKeyAt(key: Uint8Array, message: Uint8Array, offset: number): boolean {
  for (let i = 0; i < KEY_SIZE; i++) {
    if (key[i] !== message[offset + i]) return false;
  }
  return true;
}

/** What a {@link Registry} holds. */
export interface Chained<S> {
  readonly key: Uint8Array;
  /** The next one whose key begins alike. */
  next: S | undefined;
}

/**
 * Seats by key. The first six bytes of a public key are as good as random, so they are
 * the hash; to make many keys that share them costs 2^48 key generations each.
 */
export class Registry<S extends Chained<S> = Seat> {
  readonly #seats = new Map<number, S>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The seat of the peer whose key lies at `offset`, without allocating. */
  find(message: Uint8Array, offset = 0): S | undefined {
    let seat = this.#seats.get(prefixAt(message, offset));
    while (seat !== undefined && !isKeyAt(seat.key, message, offset)) seat = seat.next;
    return seat;
  }

  /** The caller made sure that no seat has this key. */
  add(seat: S): void {
    const prefix = prefixAt(seat.key, 0);
    seat.next = this.#seats.get(prefix);
    this.#seats.set(prefix, seat);
    this.#size++;
  }

  /** Removes this very seat; false when it was not there. */
  remove(seat: S): boolean {
    const prefix = prefixAt(seat.key, 0);
    const first = this.#seats.get(prefix);
    if (first === seat) this.#replaceFirst(prefix, seat.next);
    else if (!unchain(first, seat)) return false;
    seat.next = undefined;
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<S> {
    for (const first of this.#seats.values()) {
      for (let seat: S | undefined = first; seat !== undefined; seat = seat.next) yield seat;
    }
  }

  #replaceFirst(prefix: number, next: S | undefined): void {
    if (next === undefined) this.#seats.delete(prefix);
    else this.#seats.set(prefix, next);
  }
}

/** Pings of all sessions that are here now. */
export function pingsOf(registry: Registry): { pingsSent: number; pongsMatched: number } {
  let [pingsSent, pongsMatched] = [0, 0];
  for (const { session } of registry) {
    pingsSent += session.pingsSent;
    pongsMatched += session.pongsMatched;
  }
  return { pingsSent, pongsMatched };
}

function unchain<S extends Chained<S>>(first: S | undefined, seat: S): boolean {
  for (let before: S | undefined = first; before !== undefined; before = before.next) {
    if (before.next !== seat) continue;
    before.next = seat.next;
    return true;
  }
  return false;
}

/** Six bytes as a number: the most that a double holds exactly. */
function prefixAt(bytes: Uint8Array, offset: number): number {
  const high = bytes[offset]! << 8 | bytes[offset + 1]!;
  const low = bytes[offset + 2]! << 24 | bytes[offset + 3]! << 16 | bytes[offset + 4]! << 8 |
    bytes[offset + 5]!;
  return high * 0x1_0000_0000 + (low >>> 0);
}
