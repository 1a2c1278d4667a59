import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type RuntimeName, runtimes } from "../runtimes.ts";

const actors = new Set<ChildProcess>();
process.on("exit", () => actors.forEach((child) => child.kill("SIGKILL")));

type Told = Record<string, unknown> & { event: string };

/** A process that tells what it does as JSON lines. */
export class Actor {
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #line = "";

  /** Starts `file`, a URL or a path from this folder, on a runtime; `before`: words that start the command elsewhere. */
  constructor(name: string, runtime: RuntimeName, file: string, words: string[], before: string[] = []) {
    this.name = name;
    this.runtime = runtime;
    const path = fileURLToPath(new URL(file, import.meta.url));
    const { command } = runtimes().find((each) => each.name === runtime)!;
    const [program, ...rest] = [...before, ...command, path, ...words];
    const child = spawn(program!, rest, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    actors.add(child);
    child.stdin.on("error", () => {}); // killed: `ended` says so
    child.stdout.on("data", (text: Uint8Array) => this.#hear(String(text)));
    this.#closed = new Promise((resolve) => {
      child.on("close", () => {
        actors.delete(child);
        this.#wake();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  order(order: Record<string, unknown>): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  /** The first that was told of an event after `since` others had been told. */
  async event(name: string, since: number = 0): Promise<Told> {
    for (;;) {
      const told = this.told.slice(since).find(({ event }) => event === name);
      if (told) return told;
      if (this.ended) {
        throw new Error(`${this.name} on ${this.runtime} ended before "${name}"`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** As with `kill -9`: no goodbye, nothing flushed. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#closed;
  }

  #hear(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) this.told.push(JSON.parse(line) as Told);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
