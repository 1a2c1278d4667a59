/**
 * When a peer's standby is the better home: a pure step, so that "never to and fro" can be
 * proven. The two nodes are compared by the round trips of the pings that their sessions
 * send anyway.
 *
 * @module
 */
import type { Plane } from "../link/planes.ts";

/**
 * Round trips that are compared, of each session: their median counts, so a gain must show in
 * most of them. At one ping in 15 s it has then lasted for more than half a minute, and two
 * slow answers in five (a collection, a burst on the line) move nobody.
 */
export const RANKING_WINDOW = 5;
/** The standby's round trip is at most this share of home's: less gain is worth no change of place. */
export const RANKING_SHARE = 0.7;
/** … and shorter by so many milliseconds: 0.5 ms instead of 1 ms is a share that nobody notices. */
export const RANKING_GAIN = 20;
/**
 * Milliseconds without another change after one: each costs a record that all nodes hear of.
 * A peer that changed at every chance would make twelve an hour.
 */
export const RANKING_REST = 300_000;

export interface Ranking {
  /** The latest round trips, milliseconds, newest last. */
  readonly home: readonly number[];
  readonly standby: readonly number[];
  /** Monotonic milliseconds until which home stays where it is. */
  readonly restUntil: number;
}

export type RankingEvent =
  /** A ping was answered. */
  | { type: "measured"; plane: Plane; rtt: number }
  /** The sessions changed places: by advice, or because home was lost. */
  | { type: "swapped" }
  /** The session of this plane is gone: another node's round trips are others. */
  | { type: "lost"; plane: Plane };

/** As the first session begins. */
export const UNRANKED: Ranking = { home: [], standby: [], restUntil: 0 };

/** What is known after an event. */
export function rankingStep(state: Ranking, event: RankingEvent, now: number): Ranking {
  switch (event.type) {
    case "measured":
      return { ...state, [event.plane]: [...state[event.plane], event.rtt].slice(-RANKING_WINDOW) };
    case "swapped":
      return { home: state.standby, standby: state.home, restUntil: now + RANKING_REST };
    case "lost":
      return { ...state, [event.plane]: [] };
  }
}

/** Whether the standby should be home from now on: for a gain that is clear and lasts, and not again soon. */
export function favoursStandby({ home, standby, restUntil }: Ranking, now: number): boolean {
  if (now < restUntil || home.length < RANKING_WINDOW || standby.length < RANKING_WINDOW) return false;
  return clearlyLess(median(standby), median(home));
}

/** Whether a third node could be a clearly nearer standby: below the least gain that counts none is looked for. */
export function wantsThird({ standby }: Ranking): boolean {
  return standby.length >= RANKING_WINDOW && clearlyLess(0, median(standby));
}

/**
 * Whether a third node, asked as often, should be the standby instead of the one that is. It becomes
 * home by {@link favoursStandby}, if it is clearly nearer than home, too.
 */
export function favoursThird(ranking: Ranking, third: readonly number[], now: number): boolean {
  if (!wantsThird(ranking) || third.length < RANKING_WINDOW || now < ranking.restUntil) return false;
  return clearlyLess(median(third), median(ranking.standby));
}

/** Whether one round trip, or time to answer, is so much shorter than another that a change is worth it. */
export function clearlyLess(one: number, other: number): boolean {
  return one <= other * RANKING_SHARE && one <= other - RANKING_GAIN;
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1]!;
}
