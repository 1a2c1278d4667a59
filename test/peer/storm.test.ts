import { it } from "node:test";
import { storm } from "./storm.ts";

it("two peers lose, double and reorder nothing in any storm of kills, cuts, kicks and freezes", async () => {
  const first = Math.floor(Math.random() * 1_000_000);
  for (let seed = first; seed < first + 12; seed++) {
    await storm(seed).catch((error) => {
      throw new Error(`storm ${seed} failed: npx tsx test/peer/storm.ts 1 ${seed}`, { cause: error });
    });
  }
});
