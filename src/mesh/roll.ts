import type { PeerId } from "../identity/peer_id.ts";
import { type Claim, compareClaims, finalClaim, isFinal } from "./claim.ts";
import { Graves } from "./graves.ts";
import { changesBetween, type Turn } from "./turn.ts";

/** One other node. */
export interface Entry {
  claim: Claim;
  /** The latest it named, kept when it is dead: it is dialled again. */
  urls: readonly string[];
  /** When its state was learnt, monotonic milliseconds. */
  since: number;
  /** The worst that was heard against a node with a session: believed when the session ends. */
  rumour: Claim | undefined;
}

/** Who is listed, and who was. */
export class Roll {
  /** Grows whenever a node joins, changes its state, or is forgotten. */
  revision = 0;
  readonly #entries = new Map<PeerId, Entry>();
  readonly #graves = new Graves();

  get size(): number {
    return this.#entries.size;
  }

  /** How many are neither dead nor gone. */
  get living(): number {
    let living = 0;
    for (const { claim } of this.#entries.values()) if (!isFinal(claim)) living++;
    return living;
  }

  get(node: PeerId): Entry | undefined {
    return this.#entries.get(node);
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** The claim that stands about `node`, listed or buried. */
  known(node: PeerId): Claim | undefined {
    return this.#entries.get(node)?.claim ?? this.#graves.get(node);
  }

  /** A blank entry for the subject of `claim`, to be followed by {@link adopt}. */
  enter(claim: Claim, now: number): Entry {
    const unborn = this.#graves.get(claim.node) ?? finalClaim({ ...claim, epoch: -1 }, "dead");
    const entry: Entry = { claim: unborn, urls: claim.urls, since: now, rumour: undefined };
    this.#graves.delete(claim.node);
    this.#entries.set(claim.node, entry);
    return entry;
  }

  /** `claim` overrides what `entry` held. */
  adopt(entry: Entry, claim: Claim, now: number, turn: Turn): void {
    const before = entry.claim;
    const turned = before.state !== claim.state || before.epoch !== claim.epoch;
    entry.claim = claim;
    if (turned || claim.state === "suspect") entry.since = now;
    if (!isFinal(claim)) entry.urls = claim.urls;
    if (entry.rumour && compareClaims(entry.rumour, claim) <= 0) entry.rumour = undefined;
    if (turned) this.revision++;
    turn.gossip(claim);
    turn.change(...changesBetween(before, claim));
  }

  forget({ claim }: Entry, now: number): void {
    this.#entries.delete(claim.node);
    this.#graves.dig(claim, now);
    this.revision++;
  }

  /** The dead make room for the living, but for those with a session. */
  makeRoom(sessions: ReadonlyMap<PeerId, unknown>, now: number): boolean {
    for (const entry of this.#entries.values()) {
      if (!isFinal(entry.claim) || sessions.has(entry.claim.node)) continue;
      this.forget(entry, now);
      return true;
    }
    return false;
  }

  /** Somebody who is gone before we ever heard of them is buried unseen. */
  bury(claim: Claim, now: number): void {
    this.#graves.dig(claim, now);
  }

  tick(now: number): void {
    this.#graves.tick(now);
  }
}
