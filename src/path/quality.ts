/**
 * Whether a path carries what the relay would carry as well or better: "direct is up"
 * is not enough, since SCTP over a lossy path can be a hundred times slower than TCP
 * through a node. Pure.
 *
 * @module
 */
import type { Carried } from "../link/track.ts";
import {
  BETTER,
  HOLD_MAX,
  LOSSY,
  SLOW,
  SLOW_MARGIN,
  TRIAL,
  TRIAL_AGAIN,
  WINDOW,
  WINDOW_FRAMES,
  WINDOW_LONG,
} from "./limits.ts";

/** What a path did in a while. */
export interface Showing {
  /** Share of lost frames, 0 … 1. */
  loss: number;
  lost: number;
  frames: number;
  /** Bytes that arrived in each millisecond: kB/s. */
  rate: number;
  /** Whether the path held back what was sent: otherwise `rate` tells of the application. */
  limited: boolean;
  /** Smoothed, milliseconds. */
  rtt: number | undefined;
}

interface Mark {
  at: number;
  carried: Carried;
}

/** Comparing a path with the relay. */
export type Quality =
  /** The path is in use and watched. `compareAt`: not compared before; `wait`: what the next comparison costs. */
  | { kind: "watching"; since: Mark | undefined; compareAt: number; wait: number }
  /** The relay is in use, to see what it carries. */
  | { kind: "trial"; path: Showing; since: Mark; until: number; wait: number };

export type Judgement =
  | { kind: "go-on" }
  /** Use the relay until {@link TRIAL} is over; then judge again. */
  | { kind: "try-relay"; why: string }
  /** The path does at least as well: use it. */
  | { kind: "return" }
  /** The relay does better: leave the path alone for `hold` ms. */
  | { kind: "leave"; why: string; hold: number };

export const UNJUDGED: Quality = {
  kind: "watching",
  since: undefined,
  compareAt: -Infinity,
  wait: TRIAL_AGAIN,
};

/** What is known of the two at one moment. */
export interface Look {
  /** What the path that is judged carried so far; in a trial not looked at. */
  path: Carried;
  rtt: number | undefined;
  relay: Carried;
  relayRtt: number | undefined;
}

/** Judges at any moment, best every second; while `watching` the path is in use, in a `trial` the relay. */
export function judge(quality: Quality, look: Look, now: number): { quality: Quality; judgement: Judgement } {
  return quality.kind === "watching" ? watch(quality, look, now) : endTrial(quality, look, now);
}

function watch(quality: Quality & { kind: "watching" }, look: Look, now: number) {
  const begun: Quality = { ...quality, since: { at: now, carried: look.path } };
  const goOn = (next: Quality) => ({ quality: next, judgement: { kind: "go-on" } as const });
  if (!quality.since) return goOn(begun);
  const showing = between(quality.since, look.path, look.rtt, now);
  if (!isTelling(showing, now - quality.since.at)) return goOn(quality);
  if (now < quality.compareAt || !isSuspect(showing, look.relayRtt)) return goOn(begun);
  const since = { at: now, carried: look.relay };
  const trial: Quality = { kind: "trial", path: showing, since, until: now + TRIAL, wait: quality.wait };
  return { quality: trial, judgement: { kind: "try-relay", why: describe(showing) } as const };
}

function endTrial(quality: Quality & { kind: "trial" }, look: Look, now: number) {
  if (now < quality.until) return { quality, judgement: { kind: "go-on" } as const };
  const relay = between(quality.since, look.relay, look.relayRtt, now);
  const { path, wait } = quality;
  const next: Quality = {
    kind: "watching",
    since: undefined,
    compareAt: now + wait,
    wait: Math.min(HOLD_MAX, 2 * wait),
  };
  // Where the path held nothing back, or the relay does not, the loss decides.
  const slower = path.limited && relay.limited && relay.rate < BETTER * path.rate;
  if (slower) return { quality: next, judgement: { kind: "return" } as const };
  const against = path.limited && relay.rate > path.rate ? ` against ${megabytes(relay.rate)}` : "";
  return { quality: next, judgement: { kind: "leave", why: describe(path) + against, hold: wait } as const };
}

function between(since: Mark, carried: Carried, rtt: number | undefined, now: number): Showing {
  const frames = carried.sent - since.carried.sent;
  const lost = Math.max(0, carried.lost - since.carried.lost);
  const ms = Math.max(1, now - since.at);
  return {
    frames,
    lost,
    loss: frames > 0 ? lost / frames : 0,
    rate: (carried.bytes - since.carried.bytes) / ms,
    limited: carried.limited - since.carried.limited >= ms / 2,
    rtt,
  };
}

/** Whether it lasted long enough to mean something. */
function isTelling({ frames, limited }: Showing, ms: number): boolean {
  if (ms < WINDOW) return false;
  return frames >= WINDOW_FRAMES || (limited && ms >= 3 * WINDOW) || ms >= WINDOW_LONG;
}

function isSuspect({ loss, lost, limited, rtt }: Showing, relayRtt: number | undefined): boolean {
  if (lost >= 2 && loss >= LOSSY) return true;
  return limited && rtt !== undefined && relayRtt !== undefined && rtt > SLOW * relayRtt + SLOW_MARGIN;
}

function describe({ loss, lost, rate, limited, rtt }: Showing): string {
  const lossy = lost > 0 ? [`lost ${(100 * loss).toFixed(1)} %`] : [];
  const slow = limited ? [`carried ${megabytes(rate)}`] : [];
  const late = lossy.length === 0 && rtt !== undefined ? [`took ${Math.round(rtt)} ms there and back`] : [];
  return `direct ${[...lossy, ...slow, ...late].join(" and ")}`;
}

function megabytes(rate: number): string {
  const value = rate / 1_000;
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} MB/s`;
}
