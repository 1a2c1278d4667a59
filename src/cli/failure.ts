/**
 * How a command fails: what it says, and with which exit code.
 *
 * @module
 */
import { OutputGone } from "./output.ts";

/** 0: done; 1: failed; 2: called wrongly. */
export type ExitCode = 0 | 1 | 2;

/** The command was called right and could not do its work. The message says what to do next. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly exitCode: ExitCode = 1;
  /** For programs: the `code` of the line that `--json` writes. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command was called wrongly. The message says how to call it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: ExitCode = 2;
  readonly code = "usage";
}

/** What a failed command says. */
export interface Verdict {
  exitCode: ExitCode;
  code: string;
  /** Nothing is to be said: `undefined`. */
  message: string | undefined;
}

/** Exit code and sentence for whatever was thrown. */
export function verdictOn(error: unknown): Verdict {
  if (error instanceof OutputGone) return { exitCode: 0, code: "output-gone", message: undefined };
  const { code, name, message, stack } = (error ?? {}) as Partial<Error> & { code?: unknown };
  const known = typeof code === "string" ? code : undefined;
  if (error instanceof UsageError) return { exitCode: error.exitCode, code: error.code, message };
  if (error instanceof Failure || (name === "WaymeetError" && known !== undefined)) {
    return { exitCode: 1, code: known!, message: withAdvice(message!, ADVICE[known!]) };
  }
  if (name === "KeyFileError") {
    return { exitCode: 1, code: "key-unreadable", message: withAdvice(message!, KEY_ADVICE) };
  }
  if (known !== undefined) return { exitCode: 1, code: known, message };
  return {
    exitCode: 1,
    code: "internal",
    message: `this is a fault of waymeet, please report it: ${stack ?? String(error)}`,
  };
}

const KEY_ADVICE = "or name another file with --key";

/** What somebody at a command line can do about a failure. */
const ADVICE: Readonly<Record<string, string>> = {
  absent: "is it running, at this node and in this network? --wait 60s waits for it",
  "node-unreachable": "check the URL of --node, or start a node: waymeet serve",
  unauthorized: "an access token goes with --token or WAYMEET_TOKEN",
  "wrong-network": "name the node's network with --network",
  replaced: "two programs with one key cannot both be at a node: give each its own --key",
  "too-large": "send it through waymeet pipe instead",
  timeout: "whether the other side got it is not known",
};

/** Adds the advice, unless the message has said so itself; the SDK's own question gives way to it. */
function withAdvice(message: string, advice: string | undefined): string {
  if (advice === undefined || message.includes(advice)) return message;
  const fact = message.replace(/[.:;]? *\b[Ii]s (it|a node) running.*$/, "").replace(/[.;]$/, "");
  return `${fact}; ${advice}`;
}
