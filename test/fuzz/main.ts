/** `npm run fuzz -- --seconds S [--target NAME…] [--seed N] [--keep N]`: see README.md beside this file. */
import { parseArgs } from "node:util";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { Fuzzing, type Result } from "./fuzzing.ts";
import type { Input } from "./mutation.ts";
import { judged } from "./trial.ts";
import { targets } from "./targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    target: { type: "string", multiple: true },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    keep: { type: "string" },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
const names = values.target ?? Object.keys(targets);
const unknown = names.find((name) => targets[name] === undefined);
if (unknown !== undefined || !(seconds > 0) || !Number.isInteger(seed)) {
  console.error(`usage: npm run fuzz -- --seconds S [--seed N] [--target ${Object.keys(targets).join("|")}]`);
  process.exit(2);
}

// What the harness itself gets wrong must end it: a trial takes rejections for findings.
await run().then((found) => process.exit(found === 0 ? 0 : 1), (error) => {
  console.error(error);
  process.exit(3);
});

/** Returns how many findings there are. */
async function run(): Promise<number> {
  console.log(`seed ${seed}, ${seconds} s of each target`);
  let found = 0;
  for (const name of names) {
    const result = await new Fuzzing(targets[name]!, seconds, seed).run();
    print(result);
    found += result.found.length;
    keep(name, result);
    if (values.keep !== undefined) await keepSmall(name, result.pool, Number(values.keep));
  }
  return found;
}

function print({ target, inputs, outcomes, blocks, slowest, growth, found }: Result): void {
  console.log(
    `${target}: ${inputs} inputs, ${outcomes} outcomes, ${blocks} blocks, ` +
      `slowest ${slowest.toFixed(1)} ms, heap ${growth} MB, ${found.length} findings`,
  );
}

/** A finding stays in the corpus, where the suite replays it until it is mended, and after. */
function keep(name: string, { found }: Result): void {
  const small = found.filter(({ input }) => input.length > 0 && sizeOf(input) < 8_192);
  if (small.length === 0) return;
  const before = readCorpus(name);
  const now = small.map(({ kind, input }, i) => ({ name: `${kind} ${seed} ${i}`, input }));
  writeCorpus(name, [...before, ...now]);
}

/** The smallest input for each outcome, so many at most. */
async function keepSmall(name: string, pool: readonly Input[], most: number): Promise<void> {
  const known = new Set<string>();
  const kept = readCorpus(name).filter(({ name }) => !name.startsWith("seed "));
  for (const input of [...pool].sort((a, b) => sizeOf(a) - sizeOf(b))) {
    if (known.size >= most || sizeOf(input) > 2_048) break;
    const { words, finding } = await judged(targets[name]!, input);
    if (finding !== undefined || known.has(words.join(" "))) continue;
    known.add(words.join(" "));
    kept.push({ name: `seed ${known.size}`, input });
  }
  writeCorpus(name, kept);
}

function sizeOf(input: Input): number {
  return input.reduce((sum, { length }) => sum + length, 0);
}
