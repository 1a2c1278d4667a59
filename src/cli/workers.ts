/**
 * `waymeet serve --workers N`: as many processes, each a node with a key of its own, that share a port.
 * This file is the process above them: it starts them, starts again what died, and ends with them.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { toBase64url } from "../identity/base64url.ts";
import { Failure, UsageError } from "./failure.ts";
import { interrupted } from "./open_peer.ts";
import type { ServeChoices } from "./serve_options.ts";
import type { Terminal } from "./terminal.ts";
import { assign, type Assignment } from "./worker.ts";
import { type Fork, forker } from "./worker_process.ts";

/** Milliseconds before a worker that died is started again: one that dies at once must not fill the machine. */
const PAUSE = 1_000;

/** Runs until the interruption. */
export async function supervise(terminal: Terminal, choices: ServeChoices): Promise<void> {
  checkWorkers(terminal, choices);
  const interrupt = terminal.interrupt();
  const fork = await forker(terminal.runtime);
  const inner = await freePorts(choices.workers!);
  const token = choices.meshToken ?? toBase64url(crypto.getRandomValues(new Uint8Array(18)));
  const lane = await laneDirectory();
  const workers = inner.map((_, index) => new Worker(terminal, fork, { index, inner, token, lane }));
  const deaf = choices.config && terminal.hangups(() => workers.forEach((worker) => worker.hangUp()));
  try {
    const ready = await Promise.race([
      Promise.all(workers.map((worker) => worker.ready)),
      interrupted(interrupt),
    ]);
    await announce(terminal, choices, ready as Ready[]);
    await interrupted(interrupt);
  } catch (error) {
    if (!interrupt.aborted) throw error;
  } finally {
    if (deaf) deaf();
    await Promise.all(workers.map((worker) => worker.stop()));
    if (lane !== undefined) await rm(lane, { recursive: true, force: true });
  }
}

/**
 * Where the workers have their lane: of this user alone, as `mkdtemp` makes it, and in memory where there is a disk of
 * that. Windows has no such sockets: workers there have no lane.
 */
async function laneDirectory(): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  return await mkdtemp("/dev/shm/waymeet-").catch(() => mkdtemp(join(tmpdir(), "waymeet-")));
}

/** What cannot be shared, and what every worker needs. */
function checkWorkers(
  { runtime }: Pick<Terminal, "runtime">,
  { port, meshAllow, dashboardToken, tlsCert }: ServeChoices,
): void {
  if (port === 0) throw new UsageError("workers share a port that is known before: --port 8787");
  if (runtime === "deno" && tlsCert !== undefined) {
    throw new UsageError(
      "on Deno workers share a port without TLS alone: put a proxy before them, or use Bun or Node",
    );
  }
  if (meshAllow !== undefined) {
    throw new UsageError(
      "workers are nodes of their own, which --mesh-allow does not name: use --mesh-token",
    );
  }
  if (dashboardToken !== undefined) {
    throw new UsageError(
      "a dashboard shows one node: leave out --dashboard-token, and read /metrics of all workers",
    );
  }
}

/** What a worker says when it accepts. */
interface Ready {
  url: string;
  id: string;
}

async function announce(
  { output }: Terminal,
  { json, network }: ServeChoices,
  ready: Ready[],
): Promise<void> {
  const [{ url }] = ready as [Ready];
  const ids = ready.map(({ id }) => id);
  if (json) return await output.json({ event: "ready", url, id: ids[0], workers: ids, network });
  const list = ids.map((id) => `node ${id}\n`).join("");
  await output.write(`${list}accept peers at ${url}, try: waymeet listen --node ${url}\n`);
}

class Worker {
  readonly ready: Promise<Ready>;
  readonly #terminal: Terminal;
  readonly #fork: Fork;
  readonly #assignment: Assignment;
  #child: ChildProcess | undefined;
  #stopping = false;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(terminal: Terminal, fork: Fork, assignment: Assignment) {
    this.#terminal = terminal;
    this.#fork = fork;
    this.#assignment = assignment;
    this.ready = new Promise((resolve, reject) => this.#start(resolve, reject));
    this.ready.catch(() => {}); // told where it is awaited, unless another failed before
  }

  /** Has it read its configuration again. */
  hangUp(): void {
    this.#child?.kill("SIGHUP");
  }

  /**
   * Lets it say goodbye, and waits for its end. By the end of its input: Ctrl-C sends a signal to workers,
   * too, and a second one ends them at once.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#pause);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.stdin!.end();
    await ended;
  }

  #again(): void {
    this.#start(() => {}, () => {
      this.#pause = setTimeout(() => this.#again(), PAUSE);
    });
  }

  /** Before it is ready for the first time its end is the operator's business; later it is started again. */
  #start(ready: (ready: Ready) => void, failed: (error: Error) => void): void {
    const child = this.#child = this.#fork(assign(this.#assignment));
    const { errors } = this.#terminal;
    let wasReady = false;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      wasReady = true;
      ready(JSON.parse(line) as Ready);
    });
    child.stderr!.on("data", (bytes: Uint8Array) => errors.write(new TextDecoder().decode(bytes)));
    child.once("exit", (code, signal) => {
      if (this.#stopping) return;
      const what = `worker ${this.#assignment.index + 1} ended with ${signal ?? code}`;
      if (!wasReady) return failed(new Failure("worker-ended", `${what}, see above`));
      errors.write(`waymeet: ${what}, and is started again\n`);
      this.#pause = setTimeout(() => this.#again(), PAUSE);
    });
  }
}

/** Ports of 127.0.0.1 that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Whether this process is above workers. */
export function isSupervisor({ workers }: ServeChoices): boolean {
  return workers !== undefined && process.env["WAYMEET_WORKER"] === undefined;
}
