/**
 * Whether the other side lives: one loop per session for both directions. Every interval
 * this side pings; a pong counts only with the nonce of a ping that is still out. After
 * `PING_MISSES` intervals in a row in which a ping stayed unanswered and nothing else
 * came either, the session is dead. (Data counts as life because a ping may wait behind
 * megabytes of it on a slow line; a pong with a wrong nonce does not.)
 *
 * @module
 */
import { hex } from "../identity/hex.ts";
import { PING_MISSES } from "../wire/limits.ts";
import { Reason } from "../wire/protocol.ts";

/** Pings answered per interval: an honest side sends one or two, a flood is not worth our bandwidth. */
export const PINGS_ANSWERED = 16;

/**
 * `nonce`: ping and pong frames. For platforms that answer fixed text while hibernated:
 * `asks` (the dialer), `answers` (a node that must do it itself), `silent` (its platform does).
 */
export type LivenessStyle = "nonce" | "asks" | "answers" | "silent";

interface Outstanding {
  /** 16 hex digits; `""` for text. */
  nonce: string;
  sentAt: number;
}

/** Small, because a node holds one per session. */
export interface LivenessState {
  readonly style: LivenessStyle;
  /** Milliseconds. */
  readonly interval: number;
  /** Pings that wait for their pong, oldest first, at most `PING_MISSES`. */
  readonly outstanding: readonly Outstanding[];
  /** Intervals in a row without a sign of life. */
  readonly misses: number;
  /** Smoothed round trip and its variation, milliseconds (RFC 6298 §2). */
  readonly rtt: number | undefined;
  /** The newest one as it was. */
  readonly sample: number | undefined;
  readonly variation: number;
  readonly sent: number;
  readonly matched: number;
  /** Pongs that answered nothing we asked. */
  readonly unknown: number;
  /** Pings answered since {@link since}. */
  readonly answered: number;
  readonly since: number;
}

export type LivenessEvent =
  /** An interval is over. `heard`: data came in it. */
  | { type: "tick"; nonce: Uint8Array; heard: boolean }
  /** Somebody wants to know now; no interval is over. */
  | { type: "ask"; nonce: Uint8Array }
  | { type: "ping"; nonce: Uint8Array }
  | { type: "pong"; nonce: Uint8Array }
  | { type: "text"; text: string };

export type LivenessEffect =
  | { type: "ping"; nonce: Uint8Array }
  | { type: "pong"; nonce: Uint8Array }
  | { type: "text"; text: "ping" | "pong" }
  | { type: "end"; reason: Reason; text: string };

export interface LivenessStep {
  state: LivenessState;
  effects: LivenessEffect[];
}

const NONE: readonly Outstanding[] = [];

export function newLiveness(style: LivenessStyle, interval: number, now: number): LivenessState {
  const counters = { misses: 0, sent: 0, matched: 0, unknown: 0, answered: 0 };
  return {
    style,
    interval,
    outstanding: NONE,
    rtt: undefined,
    sample: undefined,
    variation: 0,
    ...counters,
    since: now,
  };
}

/** Whether this side asks; otherwise it needs no timer. */
export function asks(style: LivenessStyle): boolean {
  return style === "nonce" || style === "asks";
}

export function livenessStep(state: LivenessState, event: LivenessEvent, now: number): LivenessStep {
  switch (event.type) {
    case "tick":
      return tick(state, event.nonce, event.heard, now);
    case "ask":
      return ask(state, event.nonce, now);
    case "ping":
      return answer(state, { type: "pong", nonce: event.nonce }, now);
    case "pong":
      return { state: match(state, hex(event.nonce), now), effects: [] };
    case "text":
      return hear(state, event.text, now);
  }
}

function tick(state: LivenessState, nonce: Uint8Array, heard: boolean, now: number): LivenessStep {
  const misses = heard || state.outstanding.length === 0 ? 0 : state.misses + 1;
  if (misses >= PING_MISSES) {
    const text = `${misses} pings in a row were not answered`;
    return { state: { ...state, misses }, effects: [{ type: "end", reason: Reason.pingTimeout, text }] };
  }
  return ask({ ...state, misses }, nonce, now);
}

function ask(state: LivenessState, nonce: Uint8Array, now: number): LivenessStep {
  if (!asks(state.style)) throw new Error(`a session with ${state.style} liveness asks for no pong`);
  if (state.style === "asks") return askText(state, now);
  const outstanding = [...state.outstanding, { nonce: hex(nonce), sentAt: now }].slice(-PING_MISSES);
  return {
    state: { ...state, outstanding, sent: state.sent + 1 },
    effects: [{ type: "ping", nonce }],
  };
}

/** Texts carry no nonce, so a second one may go only when the first is answered. */
function askText(state: LivenessState, now: number): LivenessStep {
  if (state.outstanding.length > 0) return { state, effects: [] };
  const outstanding = [{ nonce: "", sentAt: now }];
  return {
    state: { ...state, outstanding, sent: state.sent + 1 },
    effects: [{ type: "text", text: "ping" }],
  };
}

function answer(state: LivenessState, effect: LivenessEffect, now: number): LivenessStep {
  const fresh = now - state.since >= state.interval;
  const answered = fresh ? 1 : state.answered + 1;
  if (answered > PINGS_ANSWERED) {
    const text = `more than ${PINGS_ANSWERED} pings in ${state.interval} ms`;
    return { state, effects: [{ type: "end", reason: Reason.overQuota, text }] };
  }
  return { state: { ...state, answered, since: fresh ? now : state.since }, effects: [effect] };
}

function hear(state: LivenessState, text: string, now: number): LivenessStep {
  if (state.style === "asks" && text === "pong") return { state: match(state, "", now), effects: [] };
  if (state.style === "answers" && text === "ping") return answer(state, { type: "text", text: "pong" }, now);
  if (state.style === "silent" && text === "ping") return { state, effects: [] };
  return { state, effects: [{ type: "end", reason: Reason.protocolError, text: "text is not allowed" }] };
}

function match(state: LivenessState, nonce: string, now: number): LivenessState {
  const found = state.outstanding.findIndex((ping) => ping.nonce === nonce);
  if (found < 0) return { ...state, unknown: state.unknown + 1 };
  const sample = Math.max(0, now - state.outstanding[found]!.sentAt);
  const left = state.outstanding.slice(found + 1); // the socket keeps order: what is older was lost
  const outstanding = left.length === 0 ? NONE : left;
  return { ...state, ...smooth(state, sample), sample, outstanding, misses: 0, matched: state.matched + 1 };
}

/** RFC 6298 §2.2 and §2.3, alpha = 1/8, beta = 1/4. */
function smooth({ rtt, variation }: LivenessState, sample: number): { rtt: number; variation: number } {
  if (rtt === undefined) return { rtt: sample, variation: sample / 2 };
  return { rtt: rtt * 7 / 8 + sample / 8, variation: variation * 3 / 4 + Math.abs(rtt - sample) / 4 };
}
