/**
 * When and where to dial again after a session ended: a pure step, so that its waits can be
 * proven. Full jitter (every wait between `min` and the grown limit is equally likely) keeps
 * ten thousand peers of a node that restarts from coming back in the same instant.
 *
 * @module
 */
import { Reason } from "../wire/protocol.ts";
import type { SessionEnd } from "./session.ts";

/** The window of the waits. */
export interface Backoff {
  /** Shortest wait, milliseconds. Default 200. */
  min: number;
  /** Longest wait, milliseconds. Default 30,000. */
  max: number;
  /** Attempts in a row without a session that lasted. Default: endless. */
  maxAttempts: number;
  /** A session that was ready for so many milliseconds begins the count anew. Default 5,000. */
  lasting: number;
}

export const DEFAULT_BACKOFF: Backoff = { min: 200, max: 30_000, maxAttempts: Infinity, lasting: 5_000 };

/** What a reason means for the one who was left. */
export type Advice = "retry" | "retry-elsewhere" | "stop";

export interface ReconnectState {
  /** Attempts in a row that did not lead to a lasting session. */
  readonly attempts: number;
}

export const FRESH: ReconnectState = { attempts: 0 };

/** What to do next. */
export type Decision =
  /** Dial after `delay` ms; `elsewhere`: another node first, such as one of `nodes`. */
  | { type: "retry"; delay: number; elsewhere: boolean; nodes: string[] }
  /** Dialling again is of no use: the reason, or the attempts are used up. */
  | { type: "stop"; why: "reason" | "attempts"; end: SessionEnd };

const ADVICE: ReadonlyMap<Reason, Advice> = new Map<Reason, Advice>([
  [Reason.replaced, "stop"],
  [Reason.banned, "stop"],
  [Reason.unauthorized, "stop"],
  [Reason.wrongNetwork, "stop"],
  [Reason.wrongId, "stop"],
  [Reason.unsupportedVersion, "stop"],
  [Reason.overCapacity, "retry-elsewhere"],
  [Reason.draining, "retry-elsewhere"],
]);

/** What to do about a reason; unknown ones are worth another try. */
export function adviceFor(reason: Reason): Advice {
  return ADVICE.get(reason) ?? "retry";
}

/**
 * Decides after a session ended. `readyFor` is how long it was ready, in milliseconds (0 if
 * never), `random` a number of [0, 1).
 *
 * @throws {RangeError} when the window is empty or negative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const end = { reason: 2, text: "draining", by: "remote", nodes: [], wasReady: true } as const;
 * const { decision } = reconnectStep(FRESH, { ...end, nodes: [] }, 60_000, 0.5);
 * assert(decision.type === "retry" && decision.elsewhere);
 * ```
 */
export function reconnectStep(
  state: ReconnectState,
  end: SessionEnd,
  readyFor: number,
  random: number,
  backoff: Backoff = DEFAULT_BACKOFF,
): { state: ReconnectState; decision: Decision } {
  const { min, max, maxAttempts, lasting } = backoff;
  if (!(min >= 0 && max >= min)) {
    throw new RangeError(`a backoff needs 0 <= min <= max, not ${min} and ${max}`);
  }
  const attempts = end.wasReady && readyFor >= lasting ? 0 : state.attempts;
  const advice = adviceFor(end.reason);
  if (advice === "stop") return { state: { attempts }, decision: { type: "stop", why: "reason", end } };
  if (attempts >= maxAttempts) {
    return { state: { attempts }, decision: { type: "stop", why: "attempts", end } };
  }
  const limit = Math.min(max, Math.max(min, 1) * 2 ** (attempts + 1));
  const delay = min + random * Math.max(0, limit - min);
  const elsewhere = advice === "retry-elsewhere";
  return {
    state: { attempts: attempts + 1 },
    decision: { type: "retry", delay, elsewhere, nodes: end.nodes },
  };
}
