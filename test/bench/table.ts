/** Rows for people. */
import type { Report, Row } from "./bench.ts";

/** Columns in line; numbers to the right. */
export function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((line) => line[index]!.length))
  );
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === "number"));
  const line = (words: string[]) =>
    words.map((word, index) => isNumber[index] ? word.padStart(widths[index]!) : word.padEnd(widths[index]!))
      .join("  ").trimEnd();
  return [columns, ...cells].map(line).join("\n");
}

function cell(value: string | number | undefined): string {
  return typeof value === "number" && value >= 10_000 ? value.toLocaleString("en") : String(value ?? "");
}

/** Everything somebody needs who reads the figures elsewhere. */
export function readable({ machine, versions, notMeasured, rows, notes }: Report): string {
  return [
    `${machine.cores} × ${machine.processor}, ${machine.memoryGib} GiB, Linux ${machine.kernel}, ` +
    `Node ${machine.node}; load ${machine.load}`,
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    ...Object.entries(notMeasured).map(([name, install]) => `${name}: not measured; ${install}`),
    "",
    table(rows),
    "",
    ...notes,
  ].join("\n");
}
