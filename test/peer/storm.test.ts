import { describe, it } from "node:test";
import { storm } from "./storm.ts";

/** One test each: a busy machine has the time of a test for each of them. */
describe("two peers lose, double and reorder nothing in any storm of kills, cuts, kicks and freezes", () => {
  const first = Math.floor(Math.random() * 1_000_000);
  for (let seed = first; seed < first + 12; seed++) {
    it(`such as npx tsx test/peer/storm.ts 1 ${seed}`, () => storm(seed));
  }
});
