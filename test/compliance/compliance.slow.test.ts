// deadline: 600 s
// cores: 0.5
import { after, before, describe, it } from "node:test";
import type { Target } from "./check.ts";
import { CHECKS, TARGETS } from "./suite.ts";

for (const [runtime, start] of Object.entries(TARGETS)) {
  describe(`a node on ${runtime}`, () => {
    let target: Target;
    before(async () => target = await start());
    after(() => target.close());
    for (const { name, run } of CHECKS) it(name, () => run(target));
  });
}
