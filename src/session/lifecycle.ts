/**
 * What every session has in common, whoever dialled: it ends once, for one reason.
 *
 *     handshake (./handshake.ts) ──▶ ready ──▶ draining ──▶ closed
 *              └──────────────────────┴──────────▲           ▲
 *              └──────────────────────┴──────────────────────┘  the socket closed by itself
 *
 * @module
 */
import { encodeBye } from "../wire/frames.ts";
import {
  type AuthBody,
  type Bye,
  type Found,
  type Hello,
  Reason,
  type TurnServer,
  type WelcomeBody,
} from "../wire/protocol.ts";
import { closeCode, closeReason, closeText } from "../wire/reason.ts";
import type { SessionEnd } from "./session.ts";

/** Milliseconds the other side has to close its half of the socket: one slow round trip. */
export const DRAIN = 1_000;

export interface Ready {
  name: "ready";
}
export interface Draining {
  name: "draining";
  end: SessionEnd;
}
export interface Closed {
  name: "closed";
  end: SessionEnd;
}

/** One object for all sessions: what the handshake held is gone once a session is ready. */
export const READY: Ready = { name: "ready" };

/** What a node decides about a dialer whose key is proven. */
export type Verdict = { ok: true } | { ok: false; reason: Reason; text: string; nodes?: string[] };

/** What a welcome tells besides numbers. */
export interface Offer {
  /** URLs of other nodes of the network. */
  nodes?: string[];
  /** STUN server URLs (RFC 7064). */
  stun?: string[];
  /** TURN servers, with credentials for this peer alone. */
  turn?: TurnServer[];
  features?: string[];
}

/** What a dialer says of itself once it knows the node. */
export interface Prepared {
  started: number;
  age?: number;
  token: string | null;
  early: Uint8Array[];
}

export type Event =
  /** The socket is open; `wall` is the time since 1970. */
  | { type: "open"; wall: number }
  | { type: "message"; message: Uint8Array | string }
  /** A task of this name is done. */
  | ({ type: "prepared" } & Prepared)
  | { type: "signed"; signature: Uint8Array }
  | { type: "turn" }
  | { type: "verified"; valid: boolean }
  | { type: "verdict"; verdict: Verdict; offer: Offer }
  | { type: "deadline" }
  /** This side ends the session. */
  | { type: "close"; reason: Reason; text: string; nodes: string[] }
  /** The other side ends the session. */
  | { type: "bye"; bye: Bye }
  | { type: "socketClosed"; code: number; text: string };

/** Work that takes time; each is answered by one event. */
export type Task =
  | { type: "prepare"; hello: Hello; found: Found[] }
  | { type: "sign"; bytes: Uint8Array }
  /** Wait for one's turn among strangers. */
  | { type: "queue" }
  | { type: "verify"; key: Uint8Array; bytes: Uint8Array; signature: Uint8Array }
  /** `early`: what came with the auth, and behind it. */
  | { type: "authorize"; auth: AuthBody; early: readonly Uint8Array[] };

/** What the handshake agreed on. */
export interface Terms {
  remoteKey: Uint8Array;
  welcome: WelcomeBody;
  hello?: Hello;
  auth?: AuthBody;
}

export type Effect =
  | Task
  | { type: "send"; frames: Uint8Array[] }
  /** Replaces the deadline that runs. */
  | { type: "arm"; delay: number }
  | { type: "disarm" }
  | { type: "ready"; terms: Terms }
  /** Messages that came before the session was ready. */
  | { type: "deliver"; messages: Uint8Array[] }
  | { type: "shut"; code: number; text: string }
  | { type: "terminate" }
  | { type: "closed"; end: SessionEnd };

export interface Step<State> {
  state: State;
  effects: Effect[];
}

/** A session that passed its handshake. */
export type Life = Ready | Draining | Closed;

/** The step of a session that passed its handshake; messages no longer come this way. */
export function lifeStep(state: Life, event: Event): Step<Life> {
  if (state.name !== "ready") return endStep(state, event);
  return endingStep(state, event, true) ?? impossible(state, event);
}

/**
 * How an open session ends, or `undefined` when the event is no end. `polite` says bye:
 * only to somebody whose key is proven, a stranger gets the close code alone.
 */
export function endingStep(
  state: { name: string },
  event: Event,
  polite: boolean,
): Step<Draining | Closed> | undefined {
  const wasReady = state.name === "ready";
  switch (event.type) {
    case "close": {
      const { reason, text, nodes } = event;
      return drain({ reason, text, nodes, by: "local", wasReady }, polite);
    }
    case "bye": {
      const { reason, text, nodes } = event.bye;
      return drain({ reason, text, nodes, by: "remote", wasReady }, false);
    }
    case "socketClosed":
      return finish({ ...socketEnd(event.code, event.text), wasReady });
    default:
      return undefined;
  }
}

/** A session that is ending goes on ending; answers that come late are not errors. */
export function endStep(state: Draining | Closed, event: Event): Step<Draining | Closed> {
  if (state.name === "draining" && event.type === "socketClosed") return finish(state.end);
  if (state.name === "draining" && event.type === "deadline") {
    const { effects, ...closed } = finish(state.end);
    return { ...closed, effects: [{ type: "terminate" }, ...effects] };
  }
  return { state, effects: [] };
}

/** Ends a session because of what this side found. */
export function fail(reason: Reason, text: string, polite = false): Step<Draining> {
  return drain({ reason, text, nodes: [], by: "local", wasReady: false }, polite);
}

/** @throws {Error} always: the program, not the other side, did what cannot be. */
export function impossible(state: { name: string }, event: Event): never {
  throw new Error(`impossible transition of a session: "${event.type}" while "${state.name}"`);
}

function drain(end: SessionEnd, bye: boolean): Step<Draining> {
  const effects: Effect[] = [
    { type: "arm", delay: DRAIN }, // first: a socket may close at once
    { type: "shut", code: closeCode(end.reason), text: closeText(end.text) },
  ];
  if (bye) effects.unshift({ type: "send", frames: [encodeBye(end.reason, end.text, end.nodes)] });
  return { state: { name: "draining", end }, effects };
}

function finish(end: SessionEnd): Step<Closed> {
  return { state: { name: "closed", end }, effects: [{ type: "disarm" }, { type: "closed", end }] };
}

function socketEnd(code: number, text: string): Omit<SessionEnd, "wasReady"> {
  const reason = closeReason(code);
  if (reason !== undefined) return { reason, text, by: "remote", nodes: [] };
  const lost = text === "" ? `the connection was lost (${code})` : `${text} (${code})`;
  return { reason: Reason.closed, text: lost, by: "network", nodes: [] };
}
