/** A smaller input that shows the same. */
import type { Input } from "./mutation.ts";
import type { Target } from "./target.ts";
import { type Finding, judged } from "./trial.ts";

/** Milliseconds that one finding may take. */
const PATIENCE = 15_000;

export async function minimised(target: Target, input: Input, finding: Finding): Promise<Input> {
  const until = performance.now() + PATIENCE;
  const shows = async (smaller: Input) => (await judged(target, smaller)).finding?.kind === finding.kind;
  if (!await shows(input)) return input; // it needs what came before, in the same world
  let best = input;
  for (let found = true; found && performance.now() < until;) {
    found = false;
    for (const smaller of candidates(best)) {
      if (performance.now() > until) break;
      if (!await shows(smaller)) continue;
      best = smaller;
      found = true;
      break;
    }
  }
  return best;
}

/** Without a part; without a half, a quarter, … of a part. */
function* candidates(input: Input): Generator<Input> {
  for (let i = 0; input.length > 1 && i < input.length; i++) yield input.toSpliced(i, 1);
  for (const [i, part] of input.entries()) {
    for (let size = part.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at + size <= part.length; at += size) {
        const shorter = new Uint8Array(part.length - size);
        shorter.set(part.subarray(0, at));
        shorter.set(part.subarray(at + size), at);
        yield input.with(i, shorter);
      }
      if (size < part.length >> 5) break;
    }
  }
}
