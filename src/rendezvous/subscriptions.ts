/**
 * What a peer told its node and did not take back, as frames that say the same: so a part of the
 * node that slept can be told again.
 *
 * @module
 */
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import { readAnnouncement } from "../wire/announcement.ts";
import { MAX_TOPICS, MAX_WATCHED } from "../wire/limits.ts";
import type { Announce, Control, PeerRecord, SignedBytes } from "../wire/protocol.ts";

/** Most watched peers that are told again. */
const MAX_KEPT = 1_000;

export class Subscriptions {
  record: PeerRecord | undefined;
  #signed: SignedBytes | undefined;
  readonly #watched = new Set<PeerId>();
  readonly #announced = new Map<string, Announce>();
  readonly #read: (signed: SignedBytes) => PeerRecord | undefined;

  constructor(read: (signed: SignedBytes) => PeerRecord | undefined) {
    this.#read = read;
  }

  /** Whether the frame changes what is to be told again. */
  took(frame: Control): boolean {
    switch (frame.kind) {
      case "publish":
        return this.#published(frame.record);
      case "watch":
        for (const key of frame.peers) if (this.#watched.size < MAX_KEPT) this.#watched.add(peerIdText(key));
        return true;
      case "unwatch":
        for (const key of frame.peers) this.#watched.delete(peerIdText(key));
        return true;
      case "announce":
        return this.#announce(frame);
      case "withdraw":
        return this.#announced.delete(peerIdText(frame.topic));
      default:
        return false;
    }
  }

  frames(): Control[] {
    const watched = [...this.#watched];
    const frames: Control[] = this.#signed ? [{ kind: "publish", record: this.#signed }] : [];
    for (let i = 0; i < watched.length; i += MAX_WATCHED) {
      frames.push({ kind: "watch", peers: watched.slice(i, i + MAX_WATCHED).map(peerIdBytes) });
    }
    return [...frames, ...this.#announced.values()];
  }

  #published(signed: SignedBytes): boolean {
    this.#signed = signed;
    this.record = this.#read(signed);
    return true;
  }

  #announce(frame: Announce): boolean {
    const claim = readAnnouncement(frame.announcement);
    if (!claim) return false;
    const topic = peerIdText(claim.topic);
    if (!this.#announced.has(topic) && this.#announced.size >= MAX_TOPICS) return false;
    this.#announced.set(topic, frame);
    return true;
  }
}
