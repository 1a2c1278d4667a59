/** Five nodes and twenty peers as real processes on all runtimes, and what became of their messages. */
import { mkdtempSync, rmSync } from "node:fs";
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
import { type Network, openNetwork } from "./network.ts";
import { type Build, CURRENT } from "./builds.ts";
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

  private constructor(network: Network, build: CrowdOptions["build"]) {
    this.network = network;
    this.#build = build ?? (() => CURRENT);
    process.on("exit", () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  /** Resolves when all have met and talk. */
  static async gather({ dice, peers = 20, build, fabric }: CrowdOptions): Promise<Crowd> {
    const nats = fabric === "nats";
    const crowd = new Crowd(await openNetwork(NODES + (nats ? NATS_SERVERS : 0)), build);
    if (nats) await crowd.#startNats();
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
    const { cli } = this.#build("node", node);
    const actor = new Actor(`node ${node}`, RUNTIMES[node]!, cli, words, this.network.inside(node));
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
    const sent = await Promise.race([stopped, sleep(patience).then(() => undefined)]);
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

  /** What went wrong in a worker, in words. */
  get failures(): string[] {
    return this.#workers.flatMap(({ actor }) =>
      actor.told.filter(({ event }) => event === "failed").map(({ why }) => `${actor.name}: ${why}`)
    );
  }

  async close(): Promise<void> {
    for (const { actor } of this.#workers) actor.order({ order: "end" });
    await sleep(500);
    const all = [...this.#workers.map(({ actor }) => actor), ...this.#nodes];
    await Promise.all(all.map((actor) => actor.kill()));
    this.nats?.close();
    this.network.close();
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
    const file = new URL("./worker.ts", import.meta.url).href;
    const actor = new Actor(
      `peers on ${runtime}`,
      runtime,
      file,
      [JSON.stringify(options)],
      this.network.inside("peers"),
    );
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
