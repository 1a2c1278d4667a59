/** What came out: checks down, runtimes across. */

/** `undefined`: the check holds; otherwise why it does not. */
export type Outcomes = Map<string, Map<string, string | undefined>>;

export function table(outcomes: Outcomes): string {
  const runtimes = [...outcomes.keys()];
  const checks = [...new Set([...outcomes.values()].flatMap((checks) => [...checks.keys()]))];
  const width = Math.max(...checks.map((name) => name.length));
  const row = (first: string, cells: string[]): string =>
    [first.padEnd(width), ...cells.map((cell, i) => cell.padEnd(runtimes[i]!.length))].join("  ").trimEnd();
  const lines = checks.map((check) =>
    row(check, runtimes.map((runtime) => cell(outcomes.get(runtime)!, check)))
  );
  return [row("", runtimes), ...lines].join("\n");
}

function cell(checks: Map<string, string | undefined>, check: string): string {
  if (!checks.has(check)) return "–";
  return checks.get(check) === undefined ? "ok" : "FAILS";
}
