/**
 * A peer's attempts: asks its node for those that its links want, answers those of
 * others, and brings each what nodes and the other side say about it.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { IceServer } from "../session/ice_servers.ts";
import type { AttemptFromNode, AttemptFromPeer, Invite } from "../wire/attempt_protocol.ts";
import { compareBytes } from "../wire/cbor.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { ask, ASK_PATIENCE, invited, type Over, type Step } from "./attempt.ts";
import type { AttemptEnd, PathHost, PathSource } from "./port.ts";
import { Foresight, GREETED, OFFER_FRESH } from "./foresight.ts";
import { Punch, type PunchParts } from "./punch.ts";
import { decodeWords, type LoadRtc, MAX_CANDIDATES, type RtcStack, type Words } from "./rtc.ts";

/** Whether a peer that was dialled, or with whom there is a link, may get a direct path, and so learn addresses of this one. */
export type DirectPolicy = (peer: PeerId) => boolean | Promise<boolean>;

/** No peer may, so nothing is ever loaded for it. */
export const NO_PEER: DirectPolicy = () => false;

export interface PunchingParts {
  readonly key: Key;
  readonly clock: Clock;
  readonly load: LoadRtc;
  readonly policy: DirectPolicy;
  readonly hidesHosts: boolean;
  iceServers(): IceServer[];
  /** The node that would broker an attempt now: the home node. */
  broker(): Key | undefined;
  /** Hands a frame to that node where there is a session with it, otherwise to any. */
  say(frame: AttemptFromPeer, broker: Key): void;
  host(peer: PeerId): PathHost | undefined;
}

/** What became of a peer's attempts to open direct paths, those of others that it took part in among them. */
export interface AttemptCounts {
  /** How many ended so: `connected`, `no-candidate-pair`, `timed-out`, …, or were denied: `rate-limited`, …. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of those `timed-out`: the node that decides fell silent, so the other side may have heard otherwise. */
  readonly unconfirmed: number;
}

/** Words for an attempt whose invite is still on its way. */
interface Early {
  /** Milliseconds of the clock. */
  at: number;
  attempt: Uint8Array;
  words: Uint8Array;
}

/** Milliseconds after which a runtime that has no WebRTC is asked again. */
const NO_STACK_RETRY = 3_600_000;

export class Punching implements PathSource {
  readonly #outcomes: Record<string, number> = {};
  #unconfirmed = 0;
  readonly #parts: PunchingParts;
  readonly #punches = new Map<PeerId, Punch>();
  /** Invites that wait for what becomes of an own ask, which goes before them. */
  readonly #shelved = new WeakMap<Punch, Invite>();
  readonly #ended = new Map<Punch, (end: AttemptEnd) => void>();
  readonly #early = new WeakMap<PathHost, Early[]>();
  readonly #greeted = new WeakMap<PathHost, { offer: Words; until: number }>();
  readonly #foresight: Foresight;
  #requests = 0;
  #count = 0;
  #closed = false;

  constructor(parts: PunchingParts) {
    this.#parts = parts;
    this.#foresight = new Foresight(parts.clock);
  }

  /** Loads the stack ahead of the first attempt: 20 ms of a processor, which the first path would wait for. */
  prepare(): void {
    if (this.#parts.policy !== NO_PEER) void this.#parts.load();
  }

  /** That peer is being dialled: an end is made while it is looked up. */
  async expect(peer: PeerId): Promise<void> {
    if (this.#parts.policy === NO_PEER || !this.#foresight.mayExpect(peer) || !await this.#allows(peer)) {
      return;
    }
    const stack = await this.#parts.load();
    if (!this.#closed && !("why" in stack)) this.#foresight.expect(peer, stack, this.#parts.iceServers());
  }

  /** That peer was not found. */
  forgo(peer: PeerId): void {
    this.#foresight.forgo(peer);
  }

  begun(host: PathHost): void {
    this.#foresight.begun(host);
  }

  get counts(): AttemptCounts {
    return { outcomes: { ...this.#outcomes }, unconfirmed: this.#unconfirmed };
  }

  attempt(host: PathHost, ended: (end: AttemptEnd) => void): () => void {
    let cancelled = false;
    const tell = (end: AttemptEnd): void => {
      if (!cancelled) ended(end);
    };
    void this.#begin(host, tell, () => cancelled);
    return () => {
      cancelled = true;
      const punch = this.#punches.get(host.peer);
      if (punch && this.#ended.get(punch) === tell) punch.happen({ type: "cancel" });
    };
  }

  /** What a node says about attempts; frames about none of ours are late, or false. */
  hear(frame: AttemptFromNode): void {
    if (frame.kind === "invite") return this.#invite(frame);
    if (frame.kind === "granted" || frame.kind === "denied") {
      const punch = this.#find(({ state }) => state.phase === "asking" && state.request === frame.request);
      if (frame.kind === "granted") punch?.happen({ type: "granted", frame });
      else punch?.happen({ type: "denied", reason: frame.reason, retryAfter: frame.retryAfter });
      return;
    }
    const { attempt } = frame;
    const punch = this.#find(({ id }) => id !== undefined && compareBytes(id, attempt) === 0);
    if (frame.kind === "start") punch?.happen({ type: "start", delay: frame.delay });
    else punch?.happen({ type: "outcome", reason: frame.reason, duration: frame.duration });
  }

  /** The other side's words, which may come before the invite. */
  signalled(host: PathHost, attempt: Uint8Array, words: Uint8Array): void {
    if (compareBytes(attempt, GREETED) === 0) return this.#greetedWith(host, words);
    const punch = this.#punches.get(host.peer);
    if (punch?.concerns(attempt)) return punch.signalled(words);
    // A description is the first word: what was kept is of an attempt that came to nothing.
    const before = decodeWords(words)?.type === "offer" ? [] : this.#early.get(host) ?? [];
    if (before.length > MAX_CANDIDATES) return;
    this.#early.set(host, [...before, { at: this.#parts.clock.now(), attempt, words }]);
  }

  /** An offer that came with the greeting, for the attempt that this side asks for at once. */
  #greetedWith(host: PathHost, words: Uint8Array): void {
    const offer = decodeWords(words);
    if (offer?.type === "offer") {
      this.#greeted.set(host, { offer, until: this.#parts.clock.now() + OFFER_FRESH });
    }
  }

  #takeOffer(host: PathHost): Words | undefined {
    const greeted = this.#greeted.get(host);
    this.#greeted.delete(host);
    return greeted && this.#parts.clock.now() < greeted.until ? greeted.offer : undefined;
  }

  close(): void {
    this.#closed = true;
    this.#foresight.close();
    for (const punch of [...this.#punches.values()]) punch.happen({ type: "cancel" });
  }

  async #begin(
    host: PathHost,
    ended: (end: AttemptEnd) => void,
    cancelled: () => boolean,
  ): Promise<void> {
    const parts = this.#parts;
    if (!await this.#allows(host.peer)) return ended(unwanted("direct paths are switched off"));
    const stack = await parts.load();
    if (cancelled()) return;
    if ("why" in stack) return ended(unwanted(stack.why));
    const broker = parts.broker();
    if (this.#closed || !broker) {
      return ended({ outcome: "cancelled", why: "no node is there to broker an attempt" });
    }
    const theirs = this.#punches.get(host.peer);
    if (theirs) return void this.#ended.set(theirs, ended); // the other side tries already
    const request = this.#requests = (this.#requests + 1) >>> 0;
    const first = ask(request, broker, host.key, parts.clock.now());
    const offered = this.#takeOffer(host);
    const foreseen = offered ? undefined : this.#foresight.take(host);
    this.#start(host, stack, broker, first, ended, { offered, foreseen });
  }

  /** Of two asks at once that of the smaller key goes on. */
  #invite(frame: Invite): void {
    const host = this.#parts.host(peerIdText(frame.peer));
    const own = this.#punches.get(peerIdText(frame.peer));
    if (own) {
      const { state } = own;
      const early = state.phase === "gathering" || state.phase === "ready";
      const asked = state.phase === "asking" || (early && state.terms.role === "offerer");
      if (asked && compareBytes(frame.peer, this.#parts.key) > 0) return void this.#shelved.set(own, frame);
      if (!asked) return;
    }
    void this.#decide(frame, host);
  }

  async #decide(frame: Invite, host: PathHost | undefined): Promise<void> {
    const { clock } = this.#parts;
    const began = clock.now();
    const stack = host && !this.#closed && await this.#allows(host.peer)
      ? await this.#parts.load()
      : undefined;
    const willing = stack && !("why" in stack) && host && this.#parts.host(host.peer) === host &&
      !this.#closed;
    if (!willing) return this.#refuse(frame, clock.now() - began);
    const own = this.#punches.get(host.peer);
    const ended = own && this.#ended.get(own);
    if (own) this.#forget(own);
    own?.drop();
    const foreseen = this.#foresight.take(host);
    const punch = this.#start(host, stack, frame.broker, invited(frame, began), ended, { foreseen });
    punch.happen({ type: "decided", accepted: true });
    const early = this.#early.get(host) ?? [];
    this.#early.delete(host);
    for (const { at, attempt, words } of early) {
      // Older words are of an ask that was denied, for another end: the fresh ones are still on their way.
      if (clock.now() - at < ASK_PATIENCE && punch.concerns(attempt)) punch.signalled(words);
    }
  }

  #refuse({ attempt, broker, answer }: Invite, held: number): void {
    const frame = { kind: "answer", attempt, broker, reason: Reason.refused } as const;
    this.#parts.say({ ...frame, held: Math.min(answer, Math.round(held)) }, broker);
  }

  /** A policy that fails allows nothing. */
  async #allows(peer: PeerId): Promise<boolean> {
    try {
      return await this.#parts.policy(peer);
    } catch {
      return false;
    }
  }

  #start(
    host: PathHost,
    stack: RtcStack,
    broker: Key,
    first: Step,
    ended: ((end: AttemptEnd) => void) | undefined,
    greeted: Pick<PunchParts, "foreseen" | "offered">,
  ): Punch {
    const { clock, hidesHosts } = this.#parts;
    const number = ++this.#count;
    const punch = new Punch(
      {
        clock,
        host,
        stack,
        hidesHosts,
        ...greeted,
        iceServers: () => this.#parts.iceServers(),
        say: (frame, to) => this.#parts.say(frame, to),
        over: (which, over) => this.#over(which, over, number),
      },
      broker,
      first.state,
    );
    this.#punches.set(host.peer, punch);
    if (ended) this.#ended.set(punch, ended);
    punch.perform(first.effects);
    return punch;
  }

  #over(punch: Punch, over: Over, number: number): void {
    const outcome = reasonName(over.reason);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (unconfirmed(over)) this.#unconfirmed++;
    const ended = this.#ended.get(punch);
    const invite = this.#shelved.get(punch);
    this.#forget(punch);
    // What should have gone before is denied, e.g. because the other's took the last of the pair's rate.
    if (invite && over.retryAfter !== undefined) void this.#decide(invite, punch.host);
    ended?.({ outcome, why: wordsOf(over, punch, number), retryAfter: over.retryAfter });
  }

  #forget(punch: Punch): void {
    if (this.#punches.get(punch.host.peer) === punch) this.#punches.delete(punch.host.peer);
    this.#ended.delete(punch);
  }

  #find(fits: (punch: Punch) => boolean): Punch | undefined {
    for (const punch of this.#punches.values()) if (fits(punch)) return punch;
    return undefined;
  }
}

function unwanted(why: string): AttemptEnd {
  return { outcome: "unsupported", why, retryAfter: NO_STACK_RETRY };
}

/** For people: what became of an attempt, how long it took, and what stood in its way. */
function wordsOf(over: Over, { began, ended, trouble }: Punch, number: number): string {
  const outcome = reasonName(over.reason);
  if (over.retryAfter !== undefined) return `attempt ${number} denied: ${outcome}`;
  const lasted = `after ${seconds(over.duration ?? ended - began)}`;
  if (over.reason === Reason.connected) return `attempt ${number} connected ${lasted}`;
  const silence = unconfirmed(over) ? "its node said nothing more" : undefined;
  const details = [trouble, silence].filter((each) => each !== undefined).join("; ");
  return `attempt ${number} ended ${outcome} ${lasted}${details && ` (${details})`}`;
}

/** Ended without a verdict of its broker, by this side's own deadline. */
function unconfirmed({ verdict, reason }: Over): boolean {
  return !verdict && reason === Reason.timedOut;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${Math.round(milliseconds / 100) / 10} s`;
}
