/** Five nodes and twenty peers as real processes on all runtimes, and what became of their messages. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileKeyStore } from "../../src/identity/key_file.ts";
import { loadOrCreate } from "../../src/identity/key_store.ts";
import { Actor } from "../examples/actor.ts";
import type { RuntimeName } from "../runtimes.ts";
import type { Dice } from "../dice.ts";
import type { Account, Resumed } from "./ledger.ts";
import { NatsServers } from "../nats_servers.ts";
import { type Fault, isWireFault } from "./fault_kinds.ts";
import { type Network, openNetwork } from "./network.ts";
import { SmallDisk } from "./small_disk.ts";
import { type Build, CURRENT } from "./builds.ts";
import type { Errand } from "./nuisance.ts";
import type { Order, Way, WorkerOptions } from "./worker.ts";

export const NODES = 5;
/** Servers of NATS, at the places behind the nodes, where that is the fabric. */
export const NATS_SERVERS = 3;
const RUNTIMES = ["bun", "deno", "node", "bun", "node"] as const;
const WORKERS = ["bun", "deno", "node"] as const;
/** Each peer dials those that many places further on: six links for each, none within one process. */
const REACH = [1, 4, 7];
/** Milliseconds between two messages of a sender to one receiver. */
const PACE = 100;

export interface Sums {
  sent: number;
  received: number;
  lost: number;
  duplicated: number;
  reordered: number;
}

export interface CrowdOptions {
  dice: Dice;
  peers?: number;
  /** What joins the nodes. Default: gossip. */
  fabric?: "gossip" | "nats";
  /** Kinds of faults to prepare for. Default: those that need no preparation. */
  faults?: readonly Fault[];
  /** What each node and each worker runs. Default: this tree. */
  build?: (kind: "node" | "worker", index: number) => Build;
}

interface Worker {
  actor: Actor;
  ids: string[];
}

export class Crowd {
  readonly network: Network;
  readonly #folder = mkdtempSync(join(tmpdir(), "waymeet-chaos-"));
  readonly #token = crypto.randomUUID();
  readonly #build: (kind: "node" | "worker", index: number) => Build;
  readonly #nodes: Actor[] = [];
  /** Where that is the fabric. */
  nats: NatsServers | undefined;
  #workers: Worker[] = [];
  readonly #disks: (SmallDisk | undefined)[] = [];
  readonly #faults: readonly Fault[];
  readonly #failures: string[] = [];
  #nuisance: Actor | undefined;
  #errands: Promise<unknown> = Promise.resolve();
  /** Addresses that were banned. */
  banned = 0;

  private constructor(network: Network, { build, faults = [] }: CrowdOptions) {
    this.network = network;
    this.#faults = faults;
    this.#build = build ?? (() => CURRENT);
    process.on("exit", () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  /** Resolves when all have met and talk. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const { dice, peers = 20, faults = [], fabric } = options;
    const nats = fabric === "nats";
    const places = NODES + (nats ? NATS_SERVERS : 0);
    const crowd = new Crowd(await openNetwork(places, faults.some(isWireFault)), options);
    if (nats) await crowd.#startNats();
    await crowd.#prepare();
    await Promise.all(Array.from({ length: NODES }, (_, node) => crowd.start(node)));
    await sleep(3_000); // the last two have found each other
    await crowd.#openPeers(peers, dice);
    return crowd;
  }

  /** Starts a node, the first time or again, under its key at its port. */
  async start(node: number): Promise<void> {
    const key = join(this.#folder, `node-${node}.pem`);
    await loadOrCreate(fileKeyStore(key));
    const { host, port } = this.network.address(node);
    const mesh = this.network.meshUrl(node);
    const words = ["serve", "--host", host, "--port", String(port), "--name", "any", "--key", key, "--json"];
    words.push("--log-level", "error", ...(mesh ? ["--mesh-url", mesh] : []), ...this.#joining(node));
    const disk = this.#disks[node];
    words.push("--dashboard-token", this.#token);
    if (disk) words.push("--bans", join(disk.path, "bans.json"));
    if (disk && !this.nats) words.push("--mesh-memory", join(disk.path, "nodes.json"));
    const { cli } = this.#build("node", node);
    const before = [...this.network.inside(node), ...disk?.before ?? []];
    const actor = this.#jumps("node-clock")
      ? new Actor(`node ${node}`, RUNTIMES[node]!, JUMPING, words, [
        ...before,
        ...jumping(cli, this.#clock("node", node)),
      ])
      : new Actor(`node ${node}`, RUNTIMES[node]!, cli, words, before);
    this.#nodes[node] = actor;
    await actor.event("ready");
  }

  #joining(node: number): string[] {
    if (this.nats) {
      const servers = Array.from({ length: NATS_SERVERS }, (_, i) => this.network.url(node, NODES + i));
      return servers.flatMap((url) => ["--fabric", url.replace("ws:", "nats:")]);
    }
    const others = Array.from({ length: NODES }, (_, other) => other).filter((other) => other !== node);
    return [
      "--mesh-token",
      this.#token,
      ...others.flatMap((other) => ["--join", this.network.url(node, other)]),
    ];
  }

  async #startNats(): Promise<void> {
    const places = Array.from({ length: NATS_SERVERS }, (_, i) => NODES + i);
    this.nats = await NatsServers.start(
      places.map((place) => ({ ...this.network.address(place), before: this.network.inside(place) })),
    );
  }

  runtime(node: number): RuntimeName {
    return RUNTIMES[node]!;
  }

  async kill(node: number): Promise<void> {
    await this.#nodes[node]!.kill();
  }

  /** Asks a node to leave; resolves when its process has ended. */
  async end(node: number): Promise<void> {
    await this.#nodes[node]!.end();
  }

  freeze(node: number): void {
    this.#nodes[node]!.signal("SIGSTOP");
  }

  thaw(node: number): void {
    this.#nodes[node]!.signal("SIGCONT");
  }

  get workers(): number {
    return this.#workers.length;
  }

  pid(node: number): number {
    return this.#nodes[node]!.pid;
  }

  disk(node: number): SmallDisk | undefined {
    return this.#disks[node];
  }

  setNodeClock(node: number, offset: number): void {
    writeFileSync(this.#clock("node", node), String(offset));
    this.#nodes[node]!.signal("SIGUSR2");
  }

  setPeerClock(worker: number, offset: number): void {
    writeFileSync(this.#clock("worker", worker), String(offset));
    this.#workers[worker]!.actor.signal("SIGUSR2");
  }

  /** Speaks to a node as its operator. */
  async operate(node: number, path: string, body: unknown): Promise<void> {
    const answer = await this.#send({ order: "post", url: this.#http(node), token: this.#token, path, body });
    if (answer["status"] !== 200) this.fail(`node ${node} answered ${path} by ${JSON.stringify(answer)}`);
  }

  async fetch(node: number, path: string): Promise<Record<string, unknown>> {
    return await this.#send({ order: "get", url: this.#http(node) + path });
  }

  /** Opens idle connections to a node. */
  async hold(node: number, count: number): Promise<void> {
    const { hostname, port } = new URL(this.#http(node));
    await this.#send({ order: "hold", host: hostname, port: Number(port), count });
  }

  async release(): Promise<void> {
    await this.#send({ order: "release" });
  }

  /** Something was not as it has to be. */
  fail(text: string): void {
    this.#failures.push(text);
  }

  /** All processes must have survived what is no death. */
  check(fault: Fault, node: number): void {
    const ended = [...this.#nodes, ...this.#workers.map(({ actor }) => actor)].filter(({ ended }) => ended);
    for (const { name, runtime } of ended) {
      this.fail(
        `${name} on ${runtime} ended in ${fault} of node ${node}: ${this.#disks[node]?.read("log") ?? ""}`,
      );
    }
  }

  /** The ways whose packets pass a node when they leave or when answers come. */
  async through(node: number): Promise<Set<Way>> {
    const answers = await this.#ask({ order: "where" }, "where");
    const url = this.network.url("peers", node);
    const used = answers.flatMap(({ ways }) => Object.entries(ways as Record<Way, string>))
      .filter(([, why]) => why.includes(url)).map(([way]) => way as Way);
    const back = used.map((way) => way.split(" ").reverse().join(" ") as Way);
    return new Set([...used, ...back]);
  }

  /** Whether each peer has both of its sessions. */
  async moored(): Promise<boolean> {
    return (await this.#ask({ order: "where" }, "where")).every(({ moored }) => moored);
  }

  async since(at: number): Promise<Map<Way, Resumed>> {
    const answers = await this.#ask({ order: "since", at }, "since");
    return new Map(answers.flatMap(({ resumed }) => Object.entries(resumed as Record<Way, Resumed>))) as Map<
      Way,
      Resumed
    >;
  }

  /** No more is sent; when all has arrived, or `patience` ms are over, it is counted. */
  async count(patience: number = 60_000): Promise<Sums> {
    const stopped = this.#ask({ order: "stop" }, "stopped");
    const sent = await Promise.race([stopped, sleep(patience, undefined, { ref: false })]);
    if (sent === undefined) throw new Error(`not everything was acknowledged within ${patience} ms`);
    await sleep(500);
    const reports = await this.#ask({ order: "report" }, "report");
    const accounts = Object.assign({}, ...reports.map(({ accounts }) => accounts)) as Record<Way, Account>;
    const sums: Sums = { sent: 0, received: 0, lost: 0, duplicated: 0, reordered: 0 };
    for (const each of sent) {
      for (const [way, number] of Object.entries(each["sent"] as Record<Way, number>)) {
        add(sums, number, accounts[way as Way]);
      }
    }
    return sums;
  }

  /** What went wrong, in words. */
  get failures(): string[] {
    const told = this.#workers.flatMap(({ actor }) =>
      actor.told.filter(({ event }) => event === "failed").map(({ why }) => `${actor.name}: ${why}`)
    );
    return [...told, ...this.#failures];
  }

  async close(): Promise<void> {
    for (const { actor } of this.#workers) actor.order({ order: "end" });
    await sleep(500);
    const all = [...this.#workers.map(({ actor }) => actor), ...this.#nodes];
    await Promise.all([...all, ...this.#nuisance ? [this.#nuisance] : []].map((actor) => actor.kill()));
    for (const disk of this.#disks) disk?.close();
    this.nats?.close();
    this.network.close();
  }

  /** What the kinds of faults need. */
  async #prepare(): Promise<void> {
    if (this.#faults.includes("disk")) {
      for (let node = 0; node < NODES; node++) {
        this.#disks[node] = await SmallDisk.mount(join(this.#folder, `disk-${node}`));
        if (!this.#disks[node]) {
          throw new Error("no disk can be mounted here: leave out the fault disk, or run as root");
        }
      }
    }
    if (this.#faults.length === 0) return;
    const nuisance = new Actor("nuisance", "node", url("./nuisance.ts"), [], this.network.inside("peers"));
    await nuisance.event("ready");
    this.#nuisance = nuisance;
  }

  #http(node: number): string {
    return this.network.url("peers", node).replace(/^ws/, "http");
  }

  /** One errand after the other: answers do not say whose they are. */
  #send(errand: Errand): Promise<Record<string, unknown>> {
    const actor = this.#nuisance!;
    const answer = this.#errands.then(async () => {
      const since = actor.told.length;
      actor.order({ ...errand });
      return await actor.event("done", since);
    });
    this.#errands = answer;
    return answer;
  }

  #jumps(fault: Fault): boolean {
    return this.#faults.includes(fault);
  }

  #clock(kind: "node" | "worker", index: number): string {
    return join(this.#folder, `clock-${kind}-${index}`);
  }

  async #openPeers(count: number, dice: Dice): Promise<void> {
    const nodes = Array.from({ length: count }, (_, i) => {
      const home = i % NODES;
      const standby = (home + 1 + dice(NODES - 1)) % NODES;
      return [home, standby].map((node) => this.network.url("peers", node));
    });
    this.#workers = await Promise.all(WORKERS.map((runtime, w) => {
      return this.#openWorker(w, runtime, nodes.filter((_, i) => i % WORKERS.length === w));
    }));
    const id = (i: number) => this.#workers[i % WORKERS.length]!.ids[Math.floor(i / WORKERS.length)]!;
    const orders = this.#workers.map((): { from: string; to: string }[] => []);
    for (let i = 0; i < count; i++) {
      for (const reach of REACH) {
        const other = (i + reach) % count;
        const apart = other % WORKERS.length !== i % WORKERS.length;
        if (apart) orders[i % WORKERS.length]!.push({ from: id(i), to: id(other) });
      }
    }
    await Promise.all(this.#workers.map(({ actor }, w) => {
      give(actor, { order: "talk", dials: orders[w]!, pace: PACE });
      return actor.event("met");
    }));
  }

  async #openWorker(index: number, runtime: RuntimeName, peers: string[][]): Promise<Worker> {
    const options: WorkerOptions = { sdk: this.#build("worker", index).sdk(runtime), peers };
    const before = this.network.inside("peers");
    const [name, words] = [`peers on ${runtime}`, [JSON.stringify(options)]];
    const actor = this.#jumps("peer-clock")
      ? new Actor(name, runtime, JUMPING, words, [
        ...before,
        ...jumping(WORKER, this.#clock("worker", index)),
      ])
      : new Actor(name, runtime, WORKER, words, before);
    return { actor, ids: (await actor.event("ready"))["ids"] as string[] };
  }

  async #ask(order: Order, event: string): Promise<Record<string, unknown>[]> {
    return await Promise.all(this.#workers.map(({ actor }) => {
      const since = actor.told.length;
      give(actor, order);
      return actor.event(event, since);
    }));
  }
}

const JUMPING = url("./jumping.ts");
const WORKER = url("./worker.ts");

function url(file: string): string {
  return new URL(file, import.meta.url).href;
}

/** Words before the command of a process whose clock is to jump. */
function jumping(program: string, clock: string): string[] {
  return ["env", `WAYMEET_CHAOS_CLI=${program}`, `WAYMEET_CHAOS_CLOCK=${clock}`];
}

function give(actor: Actor, order: Order): void {
  actor.order({ ...order });
}

function add(sums: Sums, sent: number, account: Account | undefined): void {
  const { received = 0, duplicated = 0, reordered = 0, highest = 0, missing = 0 } = account ?? {};
  sums.sent += sent;
  sums.received += received;
  sums.lost += missing + sent - highest;
  sums.duplicated += duplicated;
  sums.reordered += reordered;
}
