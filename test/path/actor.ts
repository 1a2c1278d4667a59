/** A peer as a program of its own (`direct_peer.ts`), on any runtime: what it says, and a way to wait for it. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
const commands: Record<string, [string, ...string[]]> = {
  node: [process.execPath, "--import", "tsx"],
  bun: [bin("bun")],
  deno: [bin("deno"), "run", "-A", "--no-check"],
  "deno-without-ffi": [bin("deno"), "run", "--no-check", "--no-prompt", "-NRE", "--allow-sys"],
};

export type Line = Record<string, unknown>;

export class Actor {
  readonly lines: Line[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly process: ChildProcess;
  #look: (() => void)[] = [];

  constructor(runtime: string, ...args: string[]) {
    const [command, ...before] = commands[runtime]!;
    const file = fileURLToPath(new URL("./direct_peer.ts", import.meta.url));
    this.process = spawn(command, [...before, file, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    process.once("exit", () => this.process.kill("SIGKILL")); // a stage that fails leaves nobody behind
    this.exited = new Promise((resolve) =>
      this.process.once("exit", (code, signal) => resolve({ code, signal }))
    );
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      this.lines.push(JSON.parse(line) as Line);
      this.#look.forEach((look) => look());
    });
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  /** The last word; an input that stays open keeps some runtimes alive. */
  close(): void {
    this.process.stdin!.end("close\n");
  }

  /** The first line that fits, said or still to be said. */
  async until(fits: (line: Line) => boolean, ms = 20_000): Promise<Line | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const found = new Promise<Line | undefined>((resolve) => {
      const look = (): void => {
        const line = this.lines.find(fits);
        if (line) resolve(line);
      };
      this.#look.push(look);
      timer = setTimeout(() => resolve(undefined), ms);
      look();
    });
    const line = await found;
    clearTimeout(timer);
    return line;
  }
}
