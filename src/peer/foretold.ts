/**
 * What is said before there is a session: a node may tell behind its hello where the peers are
 * that the URL asked about, and what is for them then leaves with the auth. So the first message
 * of a new process needs no round trip but that of the upgrade before it is on its way.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Remote } from "../link/greeting.ts";
import type { Finding } from "../link/seeker.ts";
import type { Clock } from "../session/clock.ts";
import { encodeData } from "../wire/data_frame.ts";
import { MAX_CONTROL, MAX_EARLY } from "../wire/limits.ts";
import type { Found, Key } from "../wire/protocol.ts";
import type { Lookups } from "./lookup.ts";

/** Milliseconds that an auth waits for the packets of dials whose peers were told of: two key agreements each. */
const PATIENCE = 50;
/** Milliseconds for which a record that nobody waited for counts as fresh. */
const FRESH = 10_000;
/** Milliseconds after which a peer that was away may well have come. */
const AT_ONCE = 1_000;
/** Bytes of packets that leave with an auth; the rest is for this peer's record and for questions. */
const ROOM = MAX_EARLY - MAX_CONTROL;

interface Collection {
  frames: Uint8Array[];
  size: number;
  /** Peers, as text, whose first packet is awaited. */
  awaited: Set<PeerId>;
  complete: () => void;
}

interface Dial {
  /** Pending as long as no node tells. */
  readonly told: Promise<Finding>;
  isTold: boolean;
  settle: (finding: Finding) => void;
}

export class Foretold {
  readonly #clock: Clock;
  readonly #lookups: Lookups;
  #toward: readonly PeerId[];
  readonly #records = new Map<PeerId, { record: Remote; until: number }>();
  /** Questions that left with the auth. */
  readonly #asked = new Map<PeerId, Promise<Finding>>();
  /** Dials that wait for a session. */
  readonly #waiting = new Map<PeerId, Dial>();
  #collection: Collection | undefined;
  /** When the first session came about. */
  #mooredAt: number | undefined;

  /** `toward`: peers that this process means to dial at once. */
  constructor(clock: Clock, lookups: Lookups, toward: readonly PeerId[]) {
    this.#clock = clock;
    this.#lookups = lookups;
    this.#toward = toward;
  }

  /** Whom the URL of the next session is to ask about. */
  get sought(): readonly PeerId[] {
    return this.#toward;
  }

  /** Whether packets may leave, although there is no session yet. */
  get collects(): boolean {
    return this.#collection !== undefined;
  }

  /** Where a peer is: what a node says before `session` is there, or else what `ask` finds out then. */
  find(peer: PeerId, session: Promise<void>, ask: () => Promise<Finding>): Promise<Finding> {
    const known = this.#records.get(peer);
    this.#records.delete(peer);
    if (known && known.until > this.#clock.now()) {
      session.catch(() => {}); // nobody waits for it any more
      return Promise.resolve({ kind: "found", record: known.record });
    }
    if (this.#mooredAt !== undefined) return session.then(() => this.#answer(peer) ?? ask());
    const dial = this.#wait(peer);
    return Promise.race([
      dial.told,
      session.then(() => dial.isTold ? dial.told : this.#answer(peer) ?? ask()),
    ]);
  }

  /** A dial that a node may tell of before its session is ready. */
  #wait(peer: PeerId): Dial {
    const before = this.#waiting.get(peer);
    if (before) return before;
    let settle!: (finding: Finding) => void;
    const told = new Promise<Finding>((resolve) => settle = resolve);
    const dial: Dial = { told, isTold: false, settle: (finding) => (dial.isTold = true, settle(finding)) };
    this.#waiting.set(peer, dial);
    return dial;
  }

  /** The answer to a question that left with the auth; once, and for who dials as soon as there is a session. */
  #answer(peer: PeerId): Promise<Finding> | undefined {
    const asked = this.#asked.get(peer);
    this.#asked.delete(peer);
    return this.#clock.now() - this.#mooredAt! > AT_ONCE ? undefined : asked;
  }

  /** A node said hello, and what it knows: the frames that leave with the auth, behind this peer's record. */
  async introduce(found: readonly Found[]): Promise<Uint8Array[]> {
    if (this.#mooredAt !== undefined || this.#collection) return [];
    const told = await Promise.all(found.map(({ record }) => record && this.#lookups.told(record)));
    const packets = await this.#collect(new Set(told.flatMap((record) => record ? this.#heard(record) : [])));
    return [...packets, ...this.#questions()];
  }

  /** A packet for which there is no session; taken along when an auth is about to leave. */
  take(to: Key, packet: Uint8Array): void {
    const collection = this.#collection;
    if (!collection || collection.size + packet.length > ROOM) return;
    const frame = encodeData(to, packet);
    collection.frames.push(frame);
    collection.size += frame.length;
    collection.awaited.delete(peerIdText(to));
    if (collection.awaited.size === 0) collection.complete();
  }

  /** There is a session: whoever is dialled from now on is asked for there. */
  moored(): void {
    this.#mooredAt ??= this.#clock.now();
    this.#toward = [];
    this.#waiting.clear();
  }

  /** Returns the peer if it is being dialled. */
  #heard(record: Remote): PeerId[] {
    const peer = peerIdText(record.peer);
    if (!this.#toward.includes(peer)) return [];
    this.#toward = this.#toward.filter((other) => other !== peer);
    const dial = this.#waiting.get(peer);
    this.#waiting.delete(peer);
    if (!dial) this.#records.set(peer, { record, until: this.#clock.now() + FRESH });
    dial?.settle({ kind: "found", record });
    return dial ? [peer] : [];
  }

  /** What the dials of these peers send first, which they do when their program has had its turn. */
  async #collect(awaited: Set<PeerId>): Promise<Uint8Array[]> {
    if (awaited.size === 0) return [];
    const frames: Uint8Array[] = [];
    await new Promise<void>((complete) => {
      const cancel = this.#clock.after(PATIENCE, complete);
      this.#collection = { frames, size: 0, awaited, complete: () => (cancel(), complete()) };
    });
    this.#collection = undefined;
    return frames;
  }

  /** Of peers that the node did not tell of: the answers come with the welcome, or behind it. */
  #questions(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const peer of new Set([...this.#toward, ...this.#waiting.keys()])) {
      if (this.#records.has(peer) || this.#asked.has(peer) || frames.length >= MOST_QUESTIONS) continue;
      this.#asked.set(peer, this.#lookups.question(peerIdBytes(peer), (frame) => frames.push(frame) > 0));
    }
    return frames;
  }
}

/** As many as a node answers at once. */
const MOST_QUESTIONS = 16;
