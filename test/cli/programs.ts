/** The command line as real processes, in a home of their own. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type RuntimeName, runtimes } from "../runtimes.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const running = new Set<ChildProcessWithoutNullStreams>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export interface Ended {
  exitCode: number | null;
  output: string;
  errors: string;
}

/** One running command. */
export class Program {
  output = "";
  errors = "";
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  readonly #chunks: Uint8Array[] = [];
  #woken = (): void => {};

  constructor(runtime: RuntimeName, words: string[], env: Record<string, string>) {
    const { command } = runtimes().find(({ name }) => name === runtime)!;
    const [file, ...rest] = [...command, MAIN, ...words];
    this.child = spawn(file!, rest, { env: { ...process.env, ...env } });
    running.add(this.child);
    this.child.stdout.on("data", (bytes: Uint8Array) => this.#took(bytes));
    this.child.stderr.on("data", (bytes: Uint8Array) => void (this.errors += bytes));
    this.child.stdin.on("error", () => {}); // it may end before it has read all
    this.ended = new Promise((resolve) => {
      this.child.on("close", (exitCode) => {
        running.delete(this.child);
        resolve({ exitCode, output: this.output, errors: this.errors });
        this.#woken();
      });
    });
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  /** Objects of the complete lines so far. */
  get events(): Record<string, unknown>[] {
    const lines = this.output.split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** Resolves when `found` returns something; rejects when the program ends before. */
  async until<T>(found: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the program ended with ${this.child.exitCode}: ${this.errors.slice(-2_000)}`);
      }
      await new Promise<void>((resolve) => this.#woken = resolve);
    }
  }

  event(name: string): Promise<Record<string, unknown>> {
    return this.until(() => this.events.find(({ event }) => event === name));
  }

  feed(input: string | Uint8Array): this {
    this.child.stdin.end(input);
    return this;
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    // Deno's `child.kill` reports a death by signal even when the program ended by itself afterwards.
    process.kill(this.child.pid!, signal);
    return this.ended;
  }

  #took(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.output += new TextDecoder().decode(bytes);
    this.#woken();
  }
}

/** Programs of one test: their home, and the node they meet at. */
export class Stage {
  readonly home: string = mkdtempSync(join(tmpdir(), "waymeet-programs-"));
  readonly runtime: RuntimeName;
  node = "";
  readonly #programs: Program[] = [];

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
  }

  file(name: string): string {
    return join(this.home, name);
  }

  start(...words: string[]): Program {
    const env = {
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.home, "config"),
      ...this.node ? { WAYMEET_NODES: this.node } : {},
    };
    const program = new Program(this.runtime, words, env);
    this.#programs.push(program);
    return program;
  }

  run(words: string[], input: string | Uint8Array = ""): Promise<Ended> {
    return this.start(...words).feed(input).ended;
  }

  /** Starts a node with the key of that port; the others meet there from now on. */
  async serve(port: number, ...words: string[]): Promise<Program> {
    const program = this.start(
      "serve",
      "--port",
      String(port),
      "--key",
      this.file(`node-${port}.pem`),
      "--json",
      "--log-level",
      "warning",
      ...words,
    );
    this.node = String((await program.event("ready"))["url"]);
    return program;
  }

  async listen(name: string, ...words: string[]): Promise<{ program: Program; id: string }> {
    const program = this.start("listen", "--json", "--key", this.file(`${name}.pem`), ...words);
    return { program, id: String((await program.event("ready"))["id"]) };
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.child.kill("SIGKILL");
    await Promise.all(this.#programs.map(({ ended }) => ended));
    rmSync(this.home, { recursive: true, force: true });
  }
}
