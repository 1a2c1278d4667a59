import type { ChildProcess } from "node:child_process";

/** What a program of the lab said. */
export type Told = Record<string, unknown> & { event: string };

/** Milliseconds for what takes a moment: a program's start on a busy machine is the longest. */
const PATIENCE = 30_000;

/** Which event is waited for. */
export interface Waiting {
  /** How many were told before. */
  since?: number;
  /** Milliseconds. */
  within?: number;
  fits?: (told: Told) => boolean;
}

/** A program that takes orders and tells events, both as JSON lines. */
export class Program {
  readonly name: string;
  readonly told: Told[] = [];
  errors = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #line = "";

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => this.errors += text);
    this.#ended = new Promise((resolve) => {
      child.on("close", () => {
        this.#wake();
        resolve();
      });
    });
  }

  order(order: object): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  /** Sends an order and waits for the event that answers it. */
  async ask(order: object, event: string): Promise<Told> {
    const since = this.told.length;
    this.order(order);
    return await this.event(event, { since });
  }

  /** The first event of a name that `fits`, after `since` others. */
  async event(
    name: string,
    { since = 0, within = PATIENCE, fits = () => true }: Waiting = {},
  ): Promise<Told> {
    const found = await this.seen(name, { since, within, fits });
    if (found) return found;
    const said = this.told.slice(-5).map((told) => JSON.stringify(told)).join("\n");
    throw new Error(
      `${this.name} did not say "${name}" in ${within} ms:\n${said}\n${this.errors.slice(-2_000)}`,
    );
  }

  /** As {@link Program.event}, but `undefined` when it does not come. */
  async seen(
    name: string,
    { since = 0, within = PATIENCE, fits = () => true }: Waiting = {},
  ): Promise<Told | undefined> {
    const until = performance.now() + within;
    for (;;) {
      const told = this.told.slice(since).find((each) => each.event === name && fits(each));
      const left = until - performance.now();
      if (told || left <= 0 || this.#dead()) return told;
      await this.#change(left);
    }
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#ended;
  }

  #dead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #change(within: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, within);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #hear(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) if (line.startsWith("{")) this.told.push(JSON.parse(line) as Told);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
