import assert from "node:assert/strict";
import { it } from "node:test";
import { INIT_WINDOW } from "../../src/link/init_cache.ts";
import { Freshness } from "../../src/peer/freshness.ts";

it("a program that only dials forgets whom it dialled long ago", () => {
  const freshness = new Freshness();
  const instance = new Uint8Array(16);
  for (let i = 0; i < 1_000; i++) freshness.learn(`peer ${i}`, instance, i, i * 1_000);
  assert(freshness.size * 1_000 <= 3 * INIT_WINDOW + 1_000, `${freshness.size} peers`);
});
