import type { PeerId } from "../identity/peer_id.ts";

/** A topic as text, in the form of a PeerId: it is a key as well. */
export type TopicId = PeerId;

/** A peer came to a topic, or left it. */
export interface TopicChange {
  topic: TopicId;
  peer: PeerId;
  present: boolean;
}

const NOBODY: ReadonlySet<PeerId> = new Set();

/** Who is in which topic. */
export class TopicIndex {
  readonly #members = new Map<TopicId, Set<PeerId>>();
  readonly #topics = new Map<PeerId, ReadonlySet<TopicId>>();

  members(topic: TopicId): ReadonlySet<PeerId> {
    return this.#members.get(topic) ?? NOBODY;
  }

  /** Whether the peer is in any topic. */
  has(peer: PeerId): boolean {
    return this.#topics.has(peer);
  }

  /** The peer is in these topics and no others; returns what that changed. */
  settle(peer: PeerId, topics: ReadonlySet<TopicId>): TopicChange[] {
    const before = this.#topics.get(peer) ?? NOBODY;
    if (topics.size > 0) this.#topics.set(peer, topics);
    else this.#topics.delete(peer);
    const joined = [...topics].filter((topic) => !before.has(topic));
    const left = [...before].filter((topic) => !topics.has(topic));
    for (const topic of joined) this.#enter(topic, peer);
    for (const topic of left) this.#leave(topic, peer);
    return [
      ...left.map((topic) => ({ topic, peer, present: false })),
      ...joined.map((topic) => ({ topic, peer, present: true })),
    ];
  }

  #enter(topic: TopicId, peer: PeerId): void {
    const members = this.#members.get(topic);
    if (members) members.add(peer);
    else this.#members.set(topic, new Set([peer]));
  }

  #leave(topic: TopicId, peer: PeerId): void {
    const members = this.#members.get(topic);
    members?.delete(peer);
    if (members?.size === 0) this.#members.delete(topic);
  }
}
