/**
 * `jumping.ts WORDS…`: the command line of `WAYMEET_CHAOS_CLI` in a process whose wall clock jumps by as many
 * milliseconds as the file `WAYMEET_CHAOS_CLOCK` says, whenever SIGUSR2 comes. Timers and `performance.now()` stay
 * as they are, as they do when a machine's clock is set.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";

let offset = 0;
const TrueDate = Date;

class JumpingDate extends TrueDate {
  constructor(...words: [] | [number | string | Date]) {
    super(...(words.length === 0 ? [TrueDate.now() + offset] : words) as [number]);
  }

  static override now(): number {
    return TrueDate.now() + offset;
  }
}

globalThis.Date = JumpingDate as DateConstructor;
process.on("SIGUSR2", () => {
  offset = Number(readFileSync(process.env["WAYMEET_CHAOS_CLOCK"]!, "utf8"));
});
await import(process.env["WAYMEET_CHAOS_CLI"]!);
