import type { Output } from "./output.ts";

/** Everything a command touches outside of itself, so that tests can put their own in its place. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory. */
  readonly home: string;
  readonly output: Output;
  readonly errors: {
    readonly isTerminal: boolean;
    write(text: string): void;
  };
  readonly input: {
    readonly isTerminal: boolean;
    /** Standard input, read no faster than it is iterated. Once. */
    bytes(): AsyncIterable<Uint8Array>;
  };
  readonly runtime: "bun" | "deno" | "node";
  /**
   * Takes over SIGINT and SIGTERM: the first aborts the signal returned, the second ends
   * the process at once. Again: the same signal.
   */
  interrupt(): AbortSignal;
  /** Calls `listener` at each SIGHUP, which ends the process otherwise. Returns what ends that. */
  hangups(listener: () => void): () => void;
}
