import { Output } from "../../src/cli/output.ts";
import { run } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** How a command line ended, and what it wrote. */
export interface Outcome {
  exitCode: number;
  output: string;
  errors: string;
}

export interface Scene {
  /** `~`; configuration is below it. */
  home: string;
  env?: Record<string, string>;
  input?: string;
}

/** Runs a command line in this process, with a terminal in memory. */
export async function command(words: string[], scene: Scene): Promise<Outcome> {
  const written: Uint8Array[] = [];
  let errors = "";
  const output = new Output((bytes) => Promise.resolve(void written.push(bytes.slice())));
  const terminal: Terminal = {
    env: scene.env ?? {},
    home: scene.home,
    output,
    errors: { isTerminal: false, write: (text) => void (errors += text) },
    input: { isTerminal: false, bytes: () => pieces(scene.input ?? "") },
    runtime: "node",
    interrupt: () => new AbortController().signal,
    hangups: () => () => {},
  };
  const exitCode = await run(words, terminal);
  await output.write("");
  return { exitCode, output: text(written), errors };
}

/** In small pieces, so that whatever is read is read across their borders. */
export async function* pieces(text: string, size: number = 3): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function text(parts: Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part, { stream: true })).join("");
}
