import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  clearlyLess,
  favoursStandby,
  type Ranking,
  RANKING_REST,
  RANKING_WINDOW,
  type RankingEvent,
  rankingStep,
  UNRANKED,
} from "../../src/peer/ranking.ts";

/** Milliseconds between two pings. */
const PING = 15_000;

/** Pings of both sessions, as a peer that follows the advice; returns when home changed. */
function live(rounds: readonly { home: number; standby: number }[]): number[] {
  let state: Ranking = { ...UNRANKED };
  let swapped = false;
  const changes: number[] = [];
  rounds.forEach((round, i) => {
    const now = i * PING;
    for (const plane of ["home", "standby"] as const) {
      // The round's "home" is the node that was home at first.
      const rtt = (plane === "home") !== swapped ? round.home : round.standby;
      state = rankingStep(state, { type: "measured", plane, rtt }, now);
      if (!favoursStandby(state, now)) continue;
      state = rankingStep(state, { type: "swapped" }, now);
      swapped = !swapped;
      changes.push(now);
    }
  });
  return changes;
}

const rtt = fc.double({ min: 0, max: 2_000, noNaN: true });
const round = fc.record({ home: rtt, standby: rtt });

describe("the ranking of home and standby", () => {
  it("moves home for a clear and lasting gain, once", () => {
    const rounds = Array.from({ length: 100 }, () => ({ home: 120, standby: 20 }));
    assert.deepEqual(live(rounds), [(RANKING_WINDOW - 1) * PING]);
  });

  it("does not move for less than 30 percent or 20 ms", () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 5_000, noNaN: true }), fc.nat(300), (home, n) => {
      const little = Math.max(home * 0.7, home - 20) + 1e-6;
      const rounds = Array.from({ length: n % 40 }, () => ({ home, standby: little }));
      assert.deepEqual(live(rounds), []);
      assert.equal(clearlyLess(little, home), false);
    }));
  });

  it("is not moved by two slow answers in a row of five, whatever they are", () => {
    const slow = fc.array(fc.record({ at: fc.nat(4), rtt: fc.integer({ min: 0, max: 60_000 }) }), {
      maxLength: 2,
    });
    fc.assert(fc.property(fc.integer({ min: 0, max: 400 }), slow, (usual, spikes) => {
      const rounds = Array.from({ length: 40 }, (_, i) => {
        const spike = spikes.find(({ at }) => at === i % 5);
        return { home: spike ? usual + spike.rtt : usual, standby: usual };
      });
      assert.deepEqual(live(rounds), []);
    }));
  });

  it("rests after each change, whatever is measured", () => {
    fc.assert(fc.property(fc.array(round, { maxLength: 200 }), (rounds) => {
      const changes = live(rounds);
      changes.slice(1).forEach((at, i) => assert(at - changes[i]! >= RANKING_REST));
    }));
  });

  it("knows nothing of a session until it has answered often enough, and forgets one that is lost", () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant("measured" as const), plane: fc.constantFrom("home", "standby"), rtt }),
      fc.record({ type: fc.constant("lost" as const), plane: fc.constantFrom("home", "standby") }),
      fc.constant({ type: "swapped" as const }),
    ) as fc.Arbitrary<RankingEvent>;
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let state: Ranking = { ...UNRANKED };
      let since = { home: 0, standby: 0 };
      for (const each of events) {
        state = rankingStep(state, each, 0);
        if (each.type === "measured") since[each.plane]++;
        else if (each.type === "lost") since[each.plane] = 0;
        else since = { home: since.standby, standby: since.home };
        const now = state.restUntil;
        if (favoursStandby(state, now)) assert(Math.min(since.home, since.standby) >= RANKING_WINDOW);
        assert(state.home.length <= RANKING_WINDOW && state.standby.length <= RANKING_WINDOW);
      }
    }));
  });
});
