/**
 * The punch broker: attempts of peers here to open a direct path to another peer, each
 * with deadlines and exactly one outcome. Pure: what comes in returns what is to be done,
 * time is a parameter. The frames are those of `src/wire/attempt_protocol.ts`.
 *
 *     answering ── both ready ──▶ trying ── both connected ──▶ connected
 *         │                          └─ a report of failure, or nothing in time ──▶ that
 *         └─ refused, unanswered, cancelled, peer-gone; superseded: no outcome at all
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Answer, AttemptAsk, AttemptFromNode, Report } from "../wire/attempt_protocol.ts";
import { compareBytes } from "../wire/cbor.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { AttemptRates } from "./attempt_rates.ts";
import type { NodeLimits } from "./node_limits.ts";

/** Milliseconds beyond the peers' own deadline: their reports have to travel. */
export const REPORT_GRACE = 500;
/** Longest wait of the nearer peer for the farther one, milliseconds: a peer that lies about `held` gains no more. */
export const MAX_START_DELAY = 1_000;
/** Milliseconds after which somebody whom a full table turned away may ask again. */
const RETRY_FULL = 1_000;

/** What the broker wants done. */
export type BrokerEffect =
  | { type: "tell"; peer: Key; frame: AttemptFromNode }
  /** The one outcome of an attempt that this node granted. */
  | { type: "ended"; reason: Reason; duration: number }
  /** An attempt that another one of the same pair took over: it has no outcome. */
  | { type: "superseded" }
  | { type: "denied"; reason: Reason; peer: Key };

interface Side {
  readonly key: Key;
  /** Milliseconds there and back, once it is ready. */
  rtt: number | undefined;
  connected: boolean;
}

interface Attempt {
  readonly id: Uint8Array;
  readonly pair: string;
  readonly asker: Side;
  readonly invited: Side;
  readonly began: number;
  readonly connect: number;
  phase: "answering" | "trying";
  /** The deadline of the phase. */
  until: number;
}

export class Broker {
  readonly #node: Key;
  readonly #limits: NodeLimits;
  readonly #random: (length: number) => Uint8Array;
  readonly #attempts = new Map<string, Attempt>();
  readonly #pairs = new Map<string, Attempt>();
  /** No deadline is earlier; one that was met before its time costs a look in vain. */
  #earliest = Infinity;
  readonly rates: AttemptRates;

  constructor(node: Key, limits: NodeLimits, random: (length: number) => Uint8Array) {
    this.#node = node;
    this.#limits = limits;
    this.#random = random;
    this.rates = new AttemptRates(limits);
  }

  /** Attempts under way. */
  get size(): number {
    return this.#attempts.size;
  }

  /** When {@link expire} is to be called next. */
  get due(): number {
    return Math.min(this.rates.due, this.#attempts.size > 0 ? this.#earliest : Infinity);
  }

  /** A peer here asks; `known`: whether some node holds the other one. */
  ask(asker: Key, { request, peer }: AttemptAsk, known: boolean, now: number): BrokerEffect[] {
    const denied = (reason: Reason, retryAfter: number): BrokerEffect[] => [
      { type: "denied", reason, peer: asker },
      { type: "tell", peer: asker, frame: { kind: "denied", request, reason, retryAfter } },
    ];
    if (compareBytes(asker, peer) === 0) return denied(Reason.forbidden, 0);
    const pair = pairOf(asker, peer);
    const other = this.#pairs.get(pair);
    if (other && !yields(other, asker)) {
      return denied(Reason.superseded, Math.max(0, Math.ceil(other.until - now)));
    }
    if (!known) return denied(Reason.absent, 0);
    if (!other && this.#attempts.size >= this.#limits.attempts) {
      return denied(Reason.overCapacity, RETRY_FULL);
    }
    const wait = this.rates.take(peerIdText(asker), pair, now);
    if (wait > 0) return denied(Reason.rateLimited, wait);
    return [...this.#supersede(other), ...this.#begin(asker, request, peer, pair, now)];
  }

  /**
   * Another broker invites a peer of this node for `asker`. True when the invite should
   * reach it; false when this node's own attempt of the pair goes before.
   */
  invites(asker: Key, invited: Key): { passes: boolean; effects: BrokerEffect[] } {
    const own = this.#pairs.get(pairOf(asker, invited));
    if (!own) return { passes: true, effects: [] };
    if (!yields(own, asker)) return { passes: false, effects: [] };
    return { passes: true, effects: this.#supersede(own) };
  }

  /** A peer is ready, or not willing. */
  answer(from: Key, { attempt: id, reason, held }: Answer, now: number): BrokerEffect[] {
    const attempt = this.#attempts.get(nameOf(id));
    const side = attempt && sideOf(attempt, from);
    if (!attempt || !side || attempt.phase !== "answering") return [];
    if (reason !== Reason.none) return this.#decline(attempt, side, reason, now);
    side.rtt ??= Math.max(0, now - attempt.began - held);
    const { asker, invited } = attempt;
    if (asker.rtt === undefined || invited.rtt === undefined) return [];
    return this.#start(attempt, asker.rtt / 2, invited.rtt / 2, now);
  }

  /** A peer tells how it went. */
  report(from: Key, { attempt: id, reason }: Report, now: number): BrokerEffect[] {
    const attempt = this.#attempts.get(nameOf(id));
    const side = attempt && sideOf(attempt, from);
    if (!attempt || !side) return [];
    if (reason !== Reason.connected) return this.#end(attempt, failure(reason), now);
    if (attempt.phase === "answering") return [];
    side.connected = true;
    const { asker, invited } = attempt;
    return asker.connected && invited.connected ? this.#end(attempt, Reason.connected, now) : [];
  }

  /** No node holds that peer any more. */
  gone(peer: PeerId, now: number): BrokerEffect[] {
    const concerned = [...this.#attempts.values()].filter(({ asker, invited }) =>
      peerIdText(asker.key) === peer || peerIdText(invited.key) === peer
    );
    return concerned.flatMap((attempt) => this.#end(attempt, Reason.peerGone, now));
  }

  /** Ends what has reached its deadline. */
  expire(now: number): BrokerEffect[] {
    this.rates.sweep(now);
    const late = [...this.#attempts.values()].filter(({ until }) => until <= now);
    const effects = late.flatMap((attempt) => {
      const silent = attempt.phase === "answering" && attempt.invited.rtt === undefined;
      return this.#end(attempt, silent ? Reason.unanswered : Reason.timedOut, now);
    });
    this.#earliest = Infinity;
    for (const attempt of this.#attempts.values()) this.#watch(attempt);
    return effects;
  }

  #begin(asker: Key, request: number, peer: Key, pair: string, now: number): BrokerEffect[] {
    const { attemptAnswer: answer, attemptConnect: connect } = this.#limits;
    const id = this.#random(16);
    const attempt: Attempt = {
      id,
      pair,
      asker: side(asker),
      invited: side(peer),
      began: now,
      connect,
      phase: "answering",
      until: now + answer,
    };
    this.#attempts.set(nameOf(id), attempt);
    this.#pairs.set(pair, attempt);
    this.#watch(attempt);
    const invite = { kind: "invite", attempt: id, broker: this.#node, peer: asker, answer, connect } as const;
    return [
      { type: "tell", peer: asker, frame: { kind: "granted", request, attempt: id, answer, connect } },
      { type: "tell", peer, frame: invite },
    ];
  }

  /** The nearer peer waits for the farther one, so that both begin at the same moment. */
  #start(attempt: Attempt, toAsker: number, toInvited: number, now: number): BrokerEffect[] {
    const delay = (there: number, other: number): number =>
      Math.round(Math.min(MAX_START_DELAY, Math.max(0, other - there)));
    const start = (peer: Key, wait: number): BrokerEffect => ({
      type: "tell",
      peer,
      frame: { kind: "start", attempt: attempt.id, delay: wait },
    });
    attempt.phase = "trying";
    const apart = Math.min(MAX_START_DELAY, Math.max(toAsker, toInvited));
    attempt.until = now + apart + attempt.connect + REPORT_GRACE;
    this.#watch(attempt);
    return [
      start(attempt.asker.key, delay(toAsker, toInvited)),
      start(attempt.invited.key, delay(toInvited, toAsker)),
    ];
  }

  #decline(attempt: Attempt, side: Side, reason: Reason, now: number): BrokerEffect[] {
    if (side === attempt.asker) return this.#end(attempt, Reason.cancelled, now);
    if (reason === Reason.superseded) return this.#supersede(attempt);
    return this.#end(attempt, reason === Reason.peerGone ? Reason.peerGone : Reason.refused, now);
  }

  #end(attempt: Attempt, reason: Reason, now: number): BrokerEffect[] {
    this.#forget(attempt);
    const duration = Math.max(0, Math.round(now - attempt.began));
    const frame = { kind: "outcome", attempt: attempt.id, reason, duration } as const;
    return [
      { type: "ended", reason, duration },
      { type: "tell", peer: attempt.asker.key, frame },
      { type: "tell", peer: attempt.invited.key, frame },
    ];
  }

  #watch({ until }: Attempt): void {
    this.#earliest = Math.min(this.#earliest, until);
  }

  #supersede(attempt: Attempt | undefined): BrokerEffect[] {
    if (!attempt) return [];
    this.#forget(attempt);
    return [{ type: "superseded" }];
  }

  #forget(attempt: Attempt): void {
    this.#attempts.delete(nameOf(attempt.id));
    this.#pairs.delete(attempt.pair);
  }
}

/** Whether an attempt makes room for one that the other side asks for: the smaller key goes before. */
function yields({ phase, asker, invited }: Attempt, other: Key): boolean {
  const early = phase === "answering" && invited.rtt === undefined;
  return early && compareBytes(other, asker.key) < 0;
}

function side(key: Key): Side {
  return { key, rtt: undefined, connected: false };
}

function sideOf({ asker, invited }: Attempt, key: Key): Side | undefined {
  return [asker, invited].find((side) => compareBytes(side.key, key) === 0);
}

function nameOf(id: Uint8Array): string {
  return id.join();
}

function pairOf(a: Key, b: Key): string {
  const [first, second] = compareBytes(a, b) < 0 ? [a, b] : [b, a];
  return peerIdText(first!) + peerIdText(second!);
}

/** What a peer may say went wrong. */
function failure(reason: Reason): Reason {
  const known: Reason[] = [Reason.noCandidatePair, Reason.timedOut, Reason.cancelled];
  return known.includes(reason) ? reason : Reason.cancelled;
}
