import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import { WaymeetError } from "../wire/error.ts";
import { encodeUnwatch, encodeWatch } from "../wire/frames.ts";
import { MAX_WATCHED } from "../wire/limits.ts";
import { Reason, type Sighting } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { Watch, type WatchOptions } from "./watch.ts";

/** Milliseconds a peer may be gone before it counts as offline: longer than most take to be at another node. */
const PATIENCE = 2_000;
/** Milliseconds before the node is asked again for what was too much at once. */
const ASK_AGAIN = 5_000;

interface Subject {
  readonly watches: Set<Watch>;
  /** What the node said last: where the peer is, or `null` for nowhere. */
  said: PeerId | null | undefined;
}

/** The peers that this one watches, and the session by which it is told of them. */
export class Watching {
  readonly #clock: Clock;
  readonly #subjects = new Map<PeerId, Subject>();
  /** Asked for again later. */
  readonly #again = new Set<PeerId>();
  #session: Session | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {RangeError} when `patience` is no time that a timer can wait. */
  watch(peer: PeerId, { patience = PATIENCE }: WatchOptions = {}): Watch {
    if (!(patience >= 0 && patience <= 0x7fff_ffff)) {
      throw new RangeError(`patience is 0 … ${0x7fff_ffff} milliseconds, not ${patience}`);
    }
    const known = this.#subjects.get(peer);
    const subject: Subject = known ?? { watches: new Set(), said: undefined };
    const watch = new Watch(peer, this.#clock, patience, (closed) => this.#release(subject, closed));
    subject.watches.add(watch);
    this.#subjects.set(peer, subject);
    if (!known) this.#session?.send(encodeWatch([peerIdBytes(peer)]));
    else if (known.said !== undefined) watch.sighted(known.said ?? undefined);
    return watch;
  }

  /** The home session is this one now. */
  attach(session: Session | undefined): void {
    if (session === this.#session) return;
    this.#each((frame) => this.#session?.send(frame), encodeUnwatch, this.#subjects.keys());
    this.#session = session;
    for (const subject of this.#subjects.values()) {
      subject.said = undefined;
      for (const watch of subject.watches) watch.unheard();
    }
    this.#ask(this.#subjects.keys());
  }

  hear({ reason, peer: key, node }: Sighting): void {
    const peer = peerIdText(key);
    const subject = this.#subjects.get(peer);
    if (!subject) return;
    if (reason === Reason.rateLimited) return this.#askAgain(peer);
    const told = reason === Reason.none || reason === Reason.absent;
    if (told) subject.said = node && peerIdText(node);
    for (const watch of subject.watches) {
      if (told) watch.sighted(subject.said ?? undefined);
      else watch.refused(refusal(reason, peer));
    }
  }

  close(): void {
    this.#cancel?.();
    for (const { watches } of [...this.#subjects.values()]) for (const watch of [...watches]) watch.close();
  }

  #release(subject: Subject, watch: Watch): void {
    subject.watches.delete(watch);
    if (subject.watches.size > 0 || this.#subjects.get(watch.peer) !== subject) return;
    this.#subjects.delete(watch.peer);
    this.#session?.send(encodeUnwatch([peerIdBytes(watch.peer)]));
  }

  #ask(peers: Iterable<PeerId>): void {
    this.#each((frame) => this.#session?.send(frame), encodeWatch, peers);
  }

  #each(
    send: (frame: Uint8Array) => void,
    encode: (keys: Uint8Array[]) => Uint8Array,
    peers: Iterable<PeerId>,
  ): void {
    const keys = [...peers].map(peerIdBytes);
    for (let at = 0; at < keys.length; at += MAX_WATCHED) send(encode(keys.slice(at, at + MAX_WATCHED)));
  }

  #askAgain(peer: PeerId): void {
    this.#again.add(peer);
    this.#cancel ??= this.#clock.after(ASK_AGAIN, () => {
      this.#cancel = undefined;
      const peers = [...this.#again].filter((each) => this.#subjects.has(each));
      this.#again.clear();
      this.#ask(peers);
    });
  }
}

function refusal(reason: Reason, peer: PeerId): WaymeetError {
  const code = reason === Reason.overCapacity ? "over-capacity" : "over-quota";
  return new WaymeetError(code, `the node does not let this peer watch more: ${reasonName(reason)}`, {
    peer,
  });
}
