/**
 * What peers and their nodes say about an attempt: one brokered try of two peers to
 * punch a direct path. The asker's node is its **broker**: it alone decides the outcome.
 *
 *     asker            its node, the broker           node of the invited        invited
 *       │ ── attempt ──────▶ │                               │                       │
 *       │ ◀──────── granted ─│─ attemptTo(invite) ─────────▶ │ ── invite ──────────▶ │
 *       │ ── answer ───────▶ │ ◀───────── attemptFrom(answer)│ ◀──────────── answer ─│
 *       │ ◀────────── start ─│─ attemptTo(start) ──────────▶ │ ── start ───────────▶ │
 *       │      both try, and tell each other how inside their link: no node reads it │
 *       │ ── report ───────▶ │ ◀───────── attemptFrom(report)│ ◀──────────── report ─│
 *       │ ◀──────── outcome ─│─ attemptTo(outcome) ────────▶ │ ── outcome ─────────▶ │
 *
 * @module
 */
import type { Key } from "./signed_bytes.ts";

/** `[32, request, peer]` */
export interface AttemptAsk {
  kind: "attempt";
  /** Chosen by the asker, echoed in the answer: 0 … 2^32−1. */
  request: number;
  peer: Key;
}
/** `[33, request, attempt, answer, connect]` */
export interface Granted {
  kind: "granted";
  request: number;
  /** 16 random bytes. */
  attempt: Uint8Array;
  /** Milliseconds that the other peer has for its answer. */
  answer: number;
  /** Milliseconds from the start within which both must report. */
  connect: number;
}
/** `[34, request, reason, retryAfter]` */
export interface Denied {
  kind: "denied";
  request: number;
  reason: number;
  /** Milliseconds after which it is worth asking again, 0 when that is unknown. */
  retryAfter: number;
}
/** `[35, attempt, broker, peer, answer, connect]` */
export interface Invite {
  kind: "invite";
  attempt: Uint8Array;
  /** The node that decides: answers and reports name it, so that any node can pass them on. */
  broker: Key;
  /** Who asks. */
  peer: Key;
  answer: number;
  connect: number;
}
/** `[36, attempt, broker, reason, held]` */
export interface Answer {
  kind: "answer";
  attempt: Uint8Array;
  broker: Key;
  /** 0: ready; otherwise why not. */
  reason: number;
  /** Milliseconds between the frame that is answered and this: the rest is the round trip. */
  held: number;
}
/** `[37, attempt, delay]` */
export interface Start {
  kind: "start";
  attempt: Uint8Array;
  /** Milliseconds after receipt, so that both begin at the same moment. */
  delay: number;
}
/** `[38, attempt, broker, reason]` */
export interface Report {
  kind: "report";
  attempt: Uint8Array;
  broker: Key;
  /** `connected` once a probe made its round trip over the new path; otherwise what went wrong. */
  reason: number;
}
/** `[39, attempt, reason, duration]` */
export interface Outcome {
  kind: "outcome";
  attempt: Uint8Array;
  reason: number;
  /** Milliseconds since it was asked for. */
  duration: number;
}

/** What a peer says about attempts. */
export type AttemptFromPeer = AttemptAsk | Answer | Report;
/** What a node says about attempts. */
export type AttemptFromNode = Granted | Denied | Invite | Start | Outcome;
