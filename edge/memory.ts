import process from "node:process";

/** Bytes that this process holds (its resident set), on Bun, Deno and Node. */
export function memory(): number {
  return process.memoryUsage().rss;
}
