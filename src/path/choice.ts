/**
 * By which of its paths a link sends. Relay first; a better path once a challenge made
 * the round trip over it, with the relay warm beneath; back to the relay well within a
 * second when it stops answering; and every return takes longer than the one before.
 * Pure: what happened and what is known come in, what is to be done comes out.
 *
 * @module
 */
import type { PathKind } from "../link/transport.ts";
import {
  ACTIVE_FOR,
  ACTIVE_INTERVAL,
  ATTEMPT_MAX,
  ATTEMPT_MIN,
  ATTEMPT_SECOND,
  CANDIDATE_INTERVAL,
  CANDIDATE_PATIENCE,
  DEAD_AFTER,
  DOUBTFUL_FOR,
  HOLD_MAX,
  HOLD_MIN,
  IDLE_INTERVAL,
  SLEPT,
  STEADY,
  WARM_INTERVAL,
  WINDOW,
} from "./limits.ts";
import { judge, type Look, type Quality, UNJUDGED } from "./quality.ts";

/** A path beside the relay. */
export interface PathState {
  readonly id: number;
  readonly kind: Exclude<PathKind, "relay">;
  readonly why: string;
  /** `candidate`: nothing came back yet; `ready`: it answers; `doubtful`: it did. */
  phase: "candidate" | "ready" | "doubtful";
  /** When the phase began. */
  since: number;
  /** When it is challenged next. */
  askAt: number;
  /** When the oldest challenge was sent that is not answered. */
  waiting: number | undefined;
  /** Smoothed round trip of its challenges. */
  rtt: number;
  /** Not used before, unless there is nothing else. */
  holdUntil: number;
}

/** Tries to find a direct path. */
export type Attempts =
  /** Nobody is there who could. */
  | { kind: "none" }
  | { kind: "waiting"; at: number }
  | { kind: "running" }
  /** There is one. */
  | { kind: "resting" };

export interface Choice {
  /** Keys are agreed: before, nothing can be challenged. */
  opened: boolean;
  /** The node session is there. */
  relay: boolean;
  /** 0: the relay. */
  using: number;
  usedSince: number;
  activeUntil: number;
  paths: PathState[];
  /** Why it is the relay. */
  reason: string | undefined;
  /** Times in a row that a path died soon. */
  flaps: number;
  attempts: Attempts;
  attemptWait: number;
  warmAt: number;
  quality: Quality;
  judgeAt: number;
}

export type ChoiceEvent =
  /** Keys are agreed. `first`: this side tries first; `source`: somebody can find direct paths. */
  | { type: "opened"; first: boolean; source: boolean }
  | { type: "offered"; id: number; kind: PathState["kind"]; why: string }
  | { type: "answered"; id: number; rtt: number }
  | { type: "gone"; id: number; reason: string }
  | { type: "relay"; up: boolean }
  /** Something is under way, or arrives. */
  | { type: "busy" }
  /** An acknowledgement is late. */
  | { type: "stalled" }
  | { type: "attempted"; why: string; retryAfter: number }
  /**
   * The {@link deadline} came, `late` ms ago. `busy`: something is under way; `progressAt`:
   * when something that left by the path in use was last known to have arrived.
   */
  | { type: "tick"; late: number; busy: boolean; progressAt: number; look: Look };

export type ChoiceEffect =
  | { type: "challenge"; id: number }
  | { type: "use"; id: number; abrupt: boolean }
  | { type: "drop"; id: number; reason: string }
  | { type: "attempt" };

export function newChoice(relay: boolean): Choice {
  return {
    opened: false,
    relay,
    using: 0,
    usedSince: -Infinity,
    activeUntil: -Infinity,
    paths: [],
    reason: undefined,
    flaps: 0,
    attempts: { kind: "none" },
    attemptWait: ATTEMPT_MIN,
    warmAt: -Infinity,
    quality: UNJUDGED,
    judgeAt: Infinity,
  };
}

/** One step; the state given is left as it is. */
export function choose(
  before: Choice,
  event: ChoiceEvent,
  now: number,
): { state: Choice; effects: ChoiceEffect[] } {
  const state: Choice = { ...before, paths: before.paths.map((path) => ({ ...path })) };
  const effects: ChoiceEffect[] = [];
  happen(state, event, now, effects);
  settle(state, now, effects);
  return { state, effects };
}

/** Why packets travel as they do; `undefined`: the relay, and nothing speaks against it. */
export function whyOf({ using, paths, reason, attempts }: Choice, now: number): string | undefined {
  const path = paths.find(({ id }) => id === using);
  if (path) return `${path.kind}: ${path.why}`;
  if (reason === undefined) return undefined;
  const held = paths.filter(({ phase }) => phase === "ready").map(({ holdUntil }) => holdUntil);
  const tries = attempts.kind === "waiting" ? [...held, attempts.at] : held;
  const next = Math.min(...tries);
  const soon = next > now && next < Infinity ? `; next try in ${Math.ceil((next - now) / 1_000)} s` : "";
  return `relay: ${reason}${soon}`;
}

/** When to `tick`. */
export function deadline(state: Choice): number {
  const { attempts } = state;
  const attempt = attempts.kind === "waiting" && mayAttempt(state) ? attempts.at : Infinity;
  const warm = state.using !== 0 && state.relay ? state.warmAt : Infinity;
  return Math.min(attempt, warm, state.judgeAt, ...state.paths.map((path) => pathDeadline(state, path)));
}

function pathDeadline(state: Choice, path: PathState): number {
  if (!state.opened) return Infinity;
  const ends = path.phase === "candidate"
    ? path.since + CANDIDATE_PATIENCE
    : path.phase === "doubtful"
    ? path.since + DOUBTFUL_FOR
    : (path.waiting ?? Infinity) + patience(path);
  const use = path.phase === "ready" && state.using !== path.id ? path.holdUntil : Infinity;
  return Math.min(path.askAt, ends, use === -Infinity ? Infinity : use);
}

// What happened.

function happen(state: Choice, event: ChoiceEvent, now: number, effects: ChoiceEffect[]): void {
  switch (event.type) {
    case "opened":
      state.opened = true;
      if (event.source && state.attempts.kind === "none") {
        state.attempts = { kind: "waiting", at: event.first ? now : now + ATTEMPT_SECOND };
      }
      for (const path of state.paths) if (path.phase === "candidate") path.askAt = path.since = now;
      return;
    case "offered":
      state.paths.push(newPath(event, now));
      return;
    case "answered":
      return answered(state, event.id, event.rtt, now);
    case "gone":
      return gone(state, event.id, event.reason, now);
    case "relay":
      state.relay = event.up;
      return;
    case "busy":
      return activate(state, now);
    case "stalled":
      activate(state, now);
      return inUse(state, (path) => path.askAt = now);
    case "attempted":
      return attempted(state, event.why, event.retryAfter, now);
    case "tick":
      return tick(state, event, now, effects);
  }
}

function newPath({ id, kind, why }: ChoiceEvent & { type: "offered" }, now: number): PathState {
  const phase = "candidate";
  return { id, kind, why, phase, since: now, askAt: now, waiting: undefined, rtt: 0, holdUntil: -Infinity };
}

function inUse(state: Choice, act: (path: PathState) => void): void {
  const path = state.paths.find(({ id }) => id === state.using);
  if (path) act(path);
}

/** An idle path is asked at once when something leaves by it: it may have died since. */
function activate(state: Choice, now: number): void {
  if (state.activeUntil <= now) inUse(state, (path) => path.askAt = Math.min(path.askAt, now));
  state.activeUntil = now + ACTIVE_FOR;
}

function answered(state: Choice, id: number, rtt: number, now: number): void {
  const path = state.paths.find((each) => each.id === id);
  if (!path) return;
  path.waiting = undefined;
  if (state.using !== id || now >= state.activeUntil) path.askAt = now + IDLE_INTERVAL;
  path.rtt = path.rtt === 0 ? rtt : path.rtt + (rtt - path.rtt) / 8;
  if (path.phase === "ready") return;
  // Once dead, it must answer for a while before it is trusted again.
  if (path.phase === "doubtful") path.holdUntil = Math.max(path.holdUntil, now + holdOf(state));
  path.phase = "ready";
  path.since = now;
  if (path.kind === "local" || state.attempts.kind === "none") return;
  state.attempts = { kind: "resting" };
  state.attemptWait = ATTEMPT_MIN;
}

function gone(state: Choice, id: number, reason: string, now: number): void {
  const path = state.paths.find((each) => each.id === id);
  if (!path) return;
  state.paths = state.paths.filter((each) => each !== path);
  if (path.phase !== "candidate" || state.reason === undefined) {
    state.reason = `${path.kind} closed: ${reason}`;
  }
  if (state.using === id) {
    flap(state, now);
    // The link went back to the relay by itself: nothing can be sent by what is closed.
    moved(state, 0, now);
  }
  if (state.attempts.kind !== "resting" || state.paths.some(isDirect)) return;
  state.attempts = { kind: "waiting", at: now + holdOf(state) };
}

const isDirect = ({ kind }: PathState): boolean => kind === "direct";

function attempted(state: Choice, why: string, retryAfter: number, now: number): void {
  if (state.paths.some((path) => isDirect(path) && path.phase !== "candidate")) {
    state.attempts = { kind: "resting" };
    return;
  }
  state.reason = why;
  state.attempts = { kind: "waiting", at: now + Math.max(state.attemptWait, retryAfter) };
  state.attemptWait = Math.min(ATTEMPT_MAX, 2 * state.attemptWait);
}

function flap(state: Choice, now: number): void {
  state.flaps = now - state.usedSince >= STEADY ? 1 : state.flaps + 1;
}

/** How long a path must wait, after as many deaths as there were. */
function holdOf({ flaps }: Choice): number {
  return Math.min(HOLD_MAX, HOLD_MIN * 2 ** Math.max(0, flaps - 1));
}

// What time brings.

function tick(
  state: Choice,
  event: ChoiceEvent & { type: "tick" },
  now: number,
  effects: ChoiceEffect[],
): void {
  if (event.busy) activate(state, now);
  // Answers that came while this process slept are still in its queue.
  if (event.late > SLEPT) {
    for (const path of state.paths) path.waiting = path.waiting === undefined ? undefined : now;
  }
  for (const path of state.paths) age(state, path, event.progressAt, now, effects);
  judgeQuality(state, event.look, now);
}

function age(state: Choice, path: PathState, progressAt: number, now: number, effects: ChoiceEffect[]): void {
  if (path.phase === "candidate" && now >= path.since + CANDIDATE_PATIENCE) {
    return void effects.push({ type: "drop", id: path.id, reason: "nothing came back over it" });
  }
  if (path.phase === "doubtful" && now >= path.since + DOUBTFUL_FOR) {
    return void effects.push({ type: "drop", id: path.id, reason: "it went silent" });
  }
  if (path.phase !== "ready" || path.waiting === undefined) return;
  // Challenges queue behind much data: what of that arrives says as much.
  const lively = state.using === path.id ? Math.max(path.waiting, progressAt) : path.waiting;
  if (now - lively >= patience(path)) die(state, path, now);
  else path.waiting = lively;
}

function patience({ rtt }: PathState): number {
  return Math.max(DEAD_AFTER, 3 * rtt);
}

function die(state: Choice, path: PathState, now: number): void {
  path.phase = "doubtful";
  path.since = now;
  if (state.using !== path.id) return;
  flap(state, now);
  state.reason = `${path.kind} went silent`;
}

/** Whether the path in use is worth it. The relay carries what is compared, so it must be there. */
function judgeQuality(state: Choice, look: Look, now: number): void {
  if (now < state.judgeAt) return;
  const path = state.paths.find((each) =>
    isDirect(each) && (state.quality.kind === "trial" || each.id === state.using)
  );
  if (!path || !state.relay) {
    state.quality = UNJUDGED;
    return;
  }
  const { quality, judgement } = judge(state.quality, look, now);
  state.quality = quality;
  if (judgement.kind === "try-relay") {
    state.reason = `${judgement.why}; the relay is being compared`;
    path.holdUntil = quality.kind === "trial" ? quality.until + 1 : now;
  } else if (judgement.kind === "return") path.holdUntil = now;
  else if (judgement.kind === "leave") {
    state.reason = judgement.why;
    path.holdUntil = now + judgement.hold;
  }
}

// What follows.

function settle(state: Choice, now: number, effects: ChoiceEffect[]): void {
  for (const path of state.paths) if (path.holdUntil <= now) path.holdUntil = -Infinity;
  const best = bestOf(state, now);
  if (best !== state.using) {
    const former = state.paths.find(({ id }) => id === state.using);
    const abrupt = former !== undefined && former.phase !== "ready";
    moved(state, best, now);
    effects.push({ type: "use", id: best, abrupt });
  }
  for (const path of state.paths) if (state.opened && now >= path.askAt) ask(path, now, effects);
  if (state.using !== 0 && state.relay && now >= state.warmAt) {
    state.warmAt = now + WARM_INTERVAL;
    effects.push({ type: "challenge", id: 0 });
  }
  if (state.attempts.kind === "waiting" && now >= state.attempts.at && mayAttempt(state)) {
    state.attempts = { kind: "running" };
    effects.push({ type: "attempt" });
  }
  schedule(state, now);
}

/** Local before direct, the newer before the older; what is held only when nothing else is there. */
function bestOf({ paths, relay }: Choice, now: number): number {
  const ready = paths.filter((path) => path.phase === "ready" && (!relay || path.holdUntil <= now));
  return ready.toSorted((a, b) => rank(b) - rank(a) || b.id - a.id)[0]?.id ?? 0;
}

const rank = ({ kind }: PathState): number => kind === "local" ? 1 : 0;

function moved(state: Choice, id: number, now: number): void {
  state.using = id;
  state.usedSince = now;
  inUse(state, (path) => path.askAt = Math.min(path.askAt, now));
  if (state.quality.kind !== "trial") state.quality = { ...state.quality, since: undefined };
}

/** Again soon, unless an answer comes: one lost challenge kills no path. */
function ask(path: PathState, now: number, effects: ChoiceEffect[]): void {
  effects.push({ type: "challenge", id: path.id });
  path.waiting ??= now;
  path.askAt = now + (path.phase === "candidate" ? CANDIDATE_INTERVAL : ACTIVE_INTERVAL);
}

/** There is a relay to arrange it over, and nothing better yet. */
function mayAttempt({ relay, paths }: Choice): boolean {
  return relay && !paths.some(({ phase }) => phase === "ready");
}

function schedule(state: Choice, now: number): void {
  const direct = state.paths.find(({ id }) => id === state.using)?.kind === "direct";
  const judged = state.quality.kind === "trial" || (direct && now < state.activeUntil);
  if (!judged) state.judgeAt = Infinity;
  else if (state.judgeAt <= now || state.judgeAt === Infinity) state.judgeAt = now + WINDOW / 2;
}
