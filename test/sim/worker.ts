/** A process that runs the seeds it is told on its input, one a line, and answers each with its report. */
import process from "node:process";
import { createInterface } from "node:readline";
import { run, type RunOptions } from "./run.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const report = await run(JSON.parse(line) as RunOptions);
  process.stdout.write(JSON.stringify(report) + "\n");
}
