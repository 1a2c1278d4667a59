/**
 * `npm run soak -- --minutes M [--leak] [--json] [--verbose]`: nodes on Bun and Node in a mesh, and peers that come, talk,
 * stream, watch, meet at topics, punch, leave and crash all the time. Exits with 0 only if it ran for long enough to
 * tell, no process grows, as far as can be told, and nothing is left of the peers when they have gone. With `--leak` each process keeps an object of
 * every life, and a soak that does not find it is worth nothing.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { soak, type Soaked } from "./soak_run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "15" },
    leak: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error("npm run soak -- --minutes M [--leak] [--json] [--verbose]: M > 0");
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

const UNITS: Record<string, string> = { rss: "KiB", held: "KiB", code: "KiB" };

function print({ slopes, left, counts }: Soaked): void {
  for (const { process, what, slope: { slope, low, high, level }, verdict } of slopes) {
    const unit = UNITS[what] ?? "";
    const interval = `${low.toFixed(2)} … ${high.toFixed(2)}`;
    const said = verdict === "not seen to grow" ? "" : `  ${verdict}`;
    console.log(
      `${process.padEnd(14)} ${what.padEnd(11)} ${level.toFixed(0)} ${unit}, ${
        slope.toFixed(2)
      } in a thousand lives (95 %: ${interval})${said}`,
    );
  }
  console.log(`done: ${JSON.stringify(counts)}`);
  console.log(`left when all had gone: ${JSON.stringify(left)}`);
}

try {
  const soaked = await soak(minutes, {
    leak: values.leak,
    ...values.verbose ? { say: (text: string) => console.error(text) } : {},
  });
  if (values.json) console.log(JSON.stringify(soaked));
  else print(soaked);
  const empty = Object.values(soaked.left).every((state) =>
    Object.values(state).every((count) => count === 0)
  );
  const told = soaked.slopes.every(({ verdict }) =>
    verdict === "not seen to grow" || verdict === "not judged"
  );
  process.exit(empty && told ? 0 : 1);
} catch (error) {
  console.error(error);
  process.exit(1);
}
