#!/usr/bin/env node
import process from "node:process";
import { processTerminal } from "./process_terminal.ts";
import { run } from "./program.ts";

const terminal = processTerminal();
// Without a listener an error of the stream would end the process; who writes hears of it anyway.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
const exitCode = await run(process.argv.slice(2), terminal);
await terminal.output.write("").catch(() => {}); // all before it is written then
process.exit(exitCode);
