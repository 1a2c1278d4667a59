/**
 * One attempt to punch a direct path, as one of the two peers sees it. Pure: a step
 * takes a state, an event and the time, and returns the next state and what is to be
 * done. Whatever is lost on the way, it ends by a deadline of its own, and once.
 *
 *     asking ── granted ──▶ gathering ── told all ──▶ ready ── start ──▶ waiting ── its moment ──▶ trying ──▶ over
 *     deciding ── accept ──▶ gathering             (denied, refused, late, cancelled) ─────────────────────▶ over
 *
 * @module
 */
import type { AttemptFromPeer, Granted, Invite } from "../wire/attempt_protocol.ts";
import { type Key, Reason } from "../wire/protocol.ts";

/** Milliseconds within which the own node answers that it grants an attempt, or not. */
export const ASK_PATIENCE = 3_000;
/**
 * Milliseconds for the own candidates, before this side says that it is ready: the offer's
 * way through the nodes and one STUN round trip. Those that come later are told all the same.
 */
export const GATHER_PATIENCE = 400;
/** Milliseconds beyond the broker's deadlines, for what it says to travel. */
export const VERDICT_GRACE = 1_000;

/** The asker offers, the invited one answers. */
export type Role = "offerer" | "answerer";

/** What is known of an attempt that has an id. */
export interface Terms {
  readonly id: Uint8Array;
  readonly broker: Key;
  readonly role: Role;
  /** Milliseconds, as the broker grants them. */
  readonly answer: number;
  readonly connect: number;
}

export type AttemptState =
  /** Our node was asked; meanwhile the other side is told how we are reached. `gathered`: all of it. */
  | { phase: "asking"; request: number; broker: Key; until: number; gathered: boolean }
  /** The other side wants it, and the program decides. */
  | { phase: "deciding"; terms: Terms; since: number; until: number }
  /**
   * We tell each other how we are reached. `since`: when the broker's frame came; `at`: when
   * this side says that it is ready although candidates may be missing.
   */
  | { phase: "gathering"; terms: Terms; since: number; at: number }
  /** We are: the broker names the moment when both have what they need. */
  | { phase: "ready"; terms: Terms; until: number }
  /** The moment to begin is known. */
  | { phase: "waiting"; terms: Terms; at: number }
  /** Both try. `reportAt`: when this side gives up; `until`: when it waits for no verdict any more. */
  | { phase: "trying"; terms: Terms; reportAt: number; until: number; reported: boolean }
  | Over;

export interface Over {
  phase: "over";
  /** The outcome, or why there was no attempt. */
  reason: Reason;
  /** Whether the broker said so; otherwise this side's own deadline, or its program, ended it. */
  verdict: boolean;
  /** Milliseconds, as the broker counts. */
  duration?: number;
  /** Milliseconds after which asking again makes sense, where that is known. */
  retryAfter?: number;
}

export type AttemptEvent =
  | { type: "granted"; frame: Granted }
  | { type: "denied"; reason: Reason; retryAfter: number }
  | { type: "decided"; accepted: boolean }
  /** The other side has been told whatever matters. */
  | { type: "gathered" }
  | { type: "start"; delay: number }
  /** A probe made its round trip over the new path. */
  | { type: "validated" }
  /** There will be no path. */
  | { type: "failed"; reason: Reason }
  | { type: "outcome"; reason: Reason; duration: number }
  /** The program, or the link, wants it no more. */
  | { type: "cancel" }
  /** Time has passed; `obstacle`: what a try that is too late should be said to have failed for. */
  | { type: "tick"; obstacle?: Reason };

export type AttemptEffect =
  | { type: "say"; frame: AttemptFromPeer }
  /** Make the connection and tell the other side how this one is reached. */
  | { type: "open"; role: Role }
  /** Now: use what the other side told. */
  | { type: "begin" }
  /** Exactly once, last. A path that did not become `connected` is to be closed. */
  | { type: "over"; over: Over };

export interface Step {
  state: AttemptState;
  effects: AttemptEffect[];
}

/** This side asks its node, which will be the broker. */
export function ask(request: number, broker: Key, peer: Key, now: number): Step {
  return {
    state: { phase: "asking", request, broker, until: now + ASK_PATIENCE, gathered: false },
    effects: [{ type: "say", frame: { kind: "attempt", request, peer } }, { type: "open", role: "offerer" }],
  };
}

/** The other side asked, and its broker invites. */
export function invited({ attempt: id, broker, answer, connect }: Invite, now: number): Step {
  const terms = { id, broker, role: "answerer", answer, connect } as const;
  return { state: { phase: "deciding", terms, since: now, until: now + answer }, effects: [] };
}

/** The id, once there is one. */
export function attemptId(state: AttemptState): Uint8Array | undefined {
  return "terms" in state ? state.terms.id : undefined;
}

/** When a `tick` is due although nothing happened. */
export function attemptDue(state: AttemptState): number {
  switch (state.phase) {
    case "gathering":
    case "waiting":
      return state.at;
    case "trying":
      return state.reported ? state.until : state.reportAt;
    case "over":
      return Infinity;
    default:
      return state.until;
  }
}

/** Events that do not fit the state change nothing: words of a node can be late, repeated or false. */
export function attemptStep(state: AttemptState, event: AttemptEvent, now: number): Step {
  if (state.phase === "over") return same(state);
  switch (event.type) {
    case "granted":
      return granted(state, event.frame, now);
    case "denied":
      return state.phase === "asking"
        ? over({ reason: event.reason, verdict: true, retryAfter: event.retryAfter })
        : same(state);
    case "decided":
      return state.phase === "deciding" ? decided(state, event.accepted, now) : same(state);
    case "gathered":
      return gathered(state, now);
    case "start":
      return state.phase === "ready"
        ? same({ phase: "waiting", terms: state.terms, at: now + event.delay })
        : same(state);
    case "validated":
      return validated(state, now);
    case "failed":
      return failed(state, event.reason, now);
    case "outcome":
      return "terms" in state
        ? over({ reason: event.reason, verdict: true, duration: event.duration })
        : same(state);
    case "cancel":
      return cancelled(state);
    case "tick":
      return tick(state, event.obstacle ?? Reason.timedOut, now);
  }
}

function granted(state: AttemptState, frame: Granted, now: number): Step {
  if (state.phase !== "asking" || state.request !== frame.request) return same(state);
  const { attempt: id, answer, connect } = frame;
  const next = gathering({ id, broker: state.broker, role: "offerer", answer, connect }, now, now);
  return state.gathered ? ready(next, now) : same(next);
}

function gathered(state: AttemptState, now: number): Step {
  if (state.phase === "asking") return same({ ...state, gathered: true });
  return state.phase === "gathering" ? ready(state, now) : same(state);
}

function decided(
  { terms, since }: AttemptState & { phase: "deciding" },
  accepted: boolean,
  now: number,
): Step {
  if (accepted) {
    return { state: gathering(terms, since, now), effects: [{ type: "open", role: terms.role }] };
  }
  const refusal = answer(terms, Reason.refused, now - since);
  return over({ reason: Reason.refused, verdict: false }, refusal);
}

/** Half of the broker's patience is left for its start to come. */
function gathering(terms: Terms, since: number, now: number): AttemptState & { phase: "gathering" } {
  const at = Math.min(now + GATHER_PATIENCE, since + terms.answer / 2);
  return { phase: "gathering", terms, since, at: Math.max(now, at) };
}

/** Said behind the candidates: when the start comes, the other side has them, and both begin at once. */
function ready({ terms, since }: AttemptState & { phase: "gathering" }, now: number): Step {
  return {
    state: { phase: "ready", terms, until: now + terms.answer + VERDICT_GRACE },
    effects: [answer(terms, Reason.none, now - since)],
  };
}

/** The other side may begin a little earlier, and its checks open the way for ours. */
function validated(state: AttemptState, now: number): Step {
  const tried = trying(state, now);
  return tried ? report(tried, Reason.connected) : same(state);
}

function failed(state: AttemptState, reason: Reason, now: number): Step {
  if (state.phase === "asking") return over({ reason, verdict: false });
  const tried = trying(state, now);
  return tried ? report(tried, reason) : same(state);
}

/** The state as one in which a report can be made, unless it was or there is nothing to report. */
function trying(state: AttemptState, now: number): AttemptState & { phase: "trying" } | undefined {
  if (state.phase === "trying") return state.reported ? undefined : state;
  if (state.phase !== "gathering" && state.phase !== "ready" && state.phase !== "waiting") return undefined;
  const { terms } = state;
  const reportAt = now + terms.connect;
  return { phase: "trying", terms, reportAt, until: reportAt + VERDICT_GRACE, reported: false };
}

function report(state: AttemptState & { phase: "trying" }, reason: Reason): Step {
  return { state: { ...state, reported: true }, effects: [say(state.terms, reason)] };
}

/** Nothing more is awaited: the broker will tell the other side. */
function cancelled(state: AttemptState): Step {
  const end = { reason: Reason.cancelled, verdict: false };
  if (!("terms" in state)) return over(end);
  if (state.phase !== "deciding") return over(end, say(state.terms, Reason.cancelled));
  return over(end, answer(state.terms, Reason.refused, 0));
}

function tick(state: AttemptState, obstacle: Reason, now: number): Step {
  if (now < attemptDue(state)) return same(state);
  if (state.phase === "gathering") return ready(state, now);
  if (state.phase === "waiting") {
    const { terms, at } = state;
    const reportAt = Math.max(at, now) + terms.connect;
    const until = reportAt + VERDICT_GRACE;
    return {
      state: { phase: "trying", terms, reportAt, until, reported: false },
      effects: [{ type: "begin" }],
    };
  }
  if (state.phase === "trying" && !state.reported) return report(state, obstacle);
  return over({ reason: Reason.timedOut, verdict: false });
}

/** `held`: milliseconds since the frame that is answered. */
function answer({ id: attempt, broker, answer }: Terms, reason: Reason, held: number): AttemptEffect {
  const bounded = Math.min(answer, Math.round(held));
  return { type: "say", frame: { kind: "answer", attempt, broker, reason, held: bounded } };
}

function say({ id: attempt, broker }: Terms, reason: Reason): AttemptEffect {
  return { type: "say", frame: { kind: "report", attempt, broker, reason } };
}

function over(end: Omit<Over, "phase">, ...before: AttemptEffect[]): Step {
  const state: Over = { phase: "over", ...end };
  return { state, effects: [...before, { type: "over", over: state }] };
}

function same(state: AttemptState): Step {
  return { state, effects: [] };
}
