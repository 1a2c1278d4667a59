/**
 * A node and two peers as programs of their own, inside a network namespace that
 * `direct.slow.test.ts` made: writes what happened as one line of JSON.
 * `direct_stage.ts RUNTIME RUNTIME [kill]`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { serve } from "../../edge/node.ts";

const ADDRESS = "10.9.9.1";
const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
const commands: Record<string, [string, ...string[]]> = {
  node: [process.execPath, "--import", "tsx"],
  bun: [bin("bun")],
  deno: [bin("deno"), "run", "-A", "--no-check"],
  "deno-without-ffi": [bin("deno"), "run", "--no-check", "--no-prompt", "-NRE", "--allow-sys"],
};

type Line = Record<string, unknown>;

/** A peer's process: what it says, and a way to wait for it. */
class Actor {
  readonly lines: Line[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly process: ChildProcess;
  #look: (() => void)[] = [];

  constructor(runtime: string, ...args: string[]) {
    const [command, ...before] = commands[runtime]!;
    const file = fileURLToPath(new URL("./direct_peer.ts", import.meta.url));
    this.process = spawn(command, [...before, file, ...args], { stdio: ["pipe", "pipe", "inherit"] });
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

const [first, second, how] = process.argv.slice(2) as [string, string, string | undefined];
const node = await serve({ host: ADDRESS, port: 0, access: { kind: "open" }, names: "any" });
const url = `ws://${ADDRESS}:${node.port}`;
const answering = new Actor(first, url, "echo");
const id = (await answering.until(({ id }) => id !== undefined))?.id as string;
const dialling = new Actor(second, url, "dial", id);
dialling.say("first");
const relayed = await dialling.until(({ heard }) => heard === 1);
const direct = await dialling.until(({ path }) => path === "direct", how === "relay" ? 3_000 : 12_000);
const both = await answering.until(({ path }) => path === "direct", how === "relay" ? 100 : 5_000);
dialling.say("second");
const after = await dialling.until(({ delivered }) => delivered === "second");
await dialling.until(({ heard }) => heard === 2);

let noticed: number | undefined;
if (how === "kill") {
  const killed = performance.now();
  const before = dialling.lines.length;
  answering.process.kill("SIGKILL");
  const gone = await dialling.until(
    (line) => line.path === "relay" && dialling.lines.indexOf(line) >= before,
    10_000,
  );
  if (gone) noticed = performance.now() - killed;
} else answering.close();
const closing = performance.now();
dialling.close();
const ends = await Promise.race([
  Promise.all([answering.exited, dialling.exited]),
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 15_000)),
]);
const exits = ends?.map(({ code, signal }) => signal ?? code);
if (!ends) { for (const { process } of [answering, dialling]) process.kill("SIGKILL"); }
const metrics = /^waymeet_attempts_total\{outcome="connected"\} (\d+)$/m.exec(node.node.metricsText())?.[1];
const result = {
  relayed: relayed !== undefined,
  direct,
  both: both !== undefined,
  after,
  noticed,
  exits,
  lasted: Math.round(performance.now() - closing),
  connected: Number(metrics),
  last: dialling.lines.at(-1),
  paths: dialling.lines.filter(({ path, why }) => path && why),
};
console.log(JSON.stringify(result));
await node.stop({ graceMs: 100 });
process.exit(0);
