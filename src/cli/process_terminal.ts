/**
 * The terminal of this process, on Bun, Deno and Node.
 *
 * @module
 */
import { homedir } from "node:os";
import process from "node:process";
import { Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** As much of Deno as is needed here. */
interface DenoRuntime {
  stdout: { write(bytes: Uint8Array): Promise<number> };
}
const deno = (globalThis as { Deno?: DenoRuntime }).Deno;

/** Standard streams, environment and signals of this process. */
export function processTerminal(): Terminal {
  let interrupt: AbortSignal | undefined;
  return {
    env: process.env,
    home: home(),
    output: new Output(deno ? writeDeno : writeStdout, process.stdout.isTTY === true),
    errors: {
      isTerminal: process.stderr.isTTY === true,
      write: (text) => void process.stderr.write(text),
    },
    input: {
      get isTerminal() {
        return process.stdin.isTTY === true;
      },
      bytes: () => process.stdin,
    },
    runtime: deno ? "deno" : process.versions.bun === undefined ? "node" : "bun",
    interrupt: () => interrupt ??= interruption(),
    hangups(listener) {
      process.on("SIGHUP", listener);
      return () => void process.off("SIGHUP", listener);
    },
  };
}

/** A container may run as a number that no account has: its home is `/` then, as container engines set it. */
function home(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** Deno's `process.stdout` writes synchronously: a slow reader would stop the event loop, and the pings with it. */
async function writeDeno(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await deno!.stdout.write(bytes.subarray(at));
}

function writeStdout(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => error ? reject(error) : resolve());
  });
}

function interruption(): AbortSignal {
  const abort = new AbortController();
  const stop = (name: string) => {
    if (abort.signal.aborted) process.exit(1);
    abort.abort(name);
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop(name));
  return abort.signal;
}
