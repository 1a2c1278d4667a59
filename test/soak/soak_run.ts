/**
 * Nodes on two runtimes in a mesh, peers that come and go, some by `kill -9`, and what each process holds when they
 * have gone: round after round. Nothing is under way then, so that an object that one peer in fifty leaves is seen.
 *
 * @module
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { CURRENT } from "../chaos/builds.ts";
import { Actor } from "../examples/actor.ts";
import type { RuntimeName } from "../runtimes.ts";
import { type Point, type Slope, theilSen, type Verdict, verdict } from "./slope.ts";
import type { SoakNode } from "./soak_node.ts";
import type { PeersOrder, SoakPeers } from "./soak_peers.ts";
import type { Vitals } from "./vitals.ts";

const NODES: readonly RuntimeName[] = ["bun", "node"];
/** Peers at a time in each process: two of these live for the whole run and are watched, one dies in each round. */
const LIVES = 12;
const STEADY: readonly RuntimeName[] = ["bun", "node"];
/** Milliseconds in which peers come, and after which those that are there crash, in each round. */
const ROUND = 30_000;
/** How many times as fast as time the nodes' clock runs, and milliseconds that it gets ahead at most (`CLOCK_SKEW`: three days). */
const FAST = 60;
const AHEAD = 172_800_000;
/** Milliseconds by a node's clock for which it remembers who left (`mesh/limits.ts`), and a little. */
const REMEMBERED = 720_000;
/**
 * What a program makes once, it has made after some pairs that met, in each process so many for each minute of a run,
 * and some rounds, which are not judged.
 */
const PAIRS = 25;
const WARM_UP = 0.4;
/** Milliseconds in which nodes have forgotten peers that died: three pings are missed. */
const FORGOTTEN = 120_000;
/**
 * libdatachannel has threads, and glibc an arena for each, which keeps what was freed: 3 KiB more a connection for
 * thousands of them, while what is in use stays as it was. So there is one arena, and what is free goes back: what a
 * heap snapshot takes, too.
 */
const TIDY = process.platform === "linux"
  ? ["env", "MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=131072", "MALLOC_MMAP_THRESHOLD_=131072"]
  : [];

export interface Sample {
  vitals: Vitals;
  state: Record<string, number>;
  counts: Record<string, number>;
}

export interface Soaked {
  minutes: number;
  /** Slopes by thousands of lives: KiB of them are bytes a life, nearly. */
  slopes: { process: string; what: string; slope: Slope; verdict: Verdict | "not judged" }[];
  /** What is left of each node's state when all peers have gone; whole only if everything is 0. */
  left: Record<string, Record<string, number>>;
  counts: Record<string, Record<string, number>>;
}

export interface SoakOptions {
  /** Each life leaves one object behind in each process: the run must say that all of them grow. */
  leak?: boolean;
  say?: (text: string) => void;
}

/**
 * What a leak is at least, in a thousand lives: one object in twenty of them, or a byte in each, which is a MiB in a
 * million. A heap at rest is told to the object, so that a dozen constants in a run, made when another function is
 * compiled, would be found to grow.
 */
const LEAST: Record<string, number> = { objects: 50, held: 1_000 / 1_024 };
/** What compilers made is told, but judged only as a part of what is resident: it rises for an hour, and falls again. */
const NOT_JUDGED: ReadonlySet<string> = new Set(["code"]);

export async function soak(
  minutes: number,
  { leak = false, say = () => {} }: SoakOptions = {},
): Promise<Soaked> {
  const scene = await Scene.open(leak, Math.min(FAST, 1 + AHEAD / (minutes * 60_000)));
  try {
    await scene.warm(Math.ceil(PAIRS * minutes));
    const began = performance.now();
    const left = (): number => began + minutes * 60_000 - performance.now();
    while (left() > 0) {
      await scene.live(Math.min(ROUND, left()));
      await scene.note(left() < minutes * 60_000 * (1 - WARM_UP), say);
    }
    return { minutes, slopes: scene.slopes(), ...await scene.rest() };
  } finally {
    await scene.close();
  }
}

class Scene {
  readonly #leak: boolean;
  readonly #fast: number;
  readonly #nodes: Actor[] = [];
  readonly #steady: Actor[] = [];
  readonly #series = new Map<string, Point[]>();
  #urls: string[] = [];
  #mortal: Actor | undefined;

  constructor(leak: boolean, fast: number) {
    this.#leak = leak;
    this.#fast = fast;
  }

  static async open(leak: boolean, fast: number): Promise<Scene> {
    const scene = new Scene(leak, fast);
    const token = crypto.randomUUID();
    for (const runtime of NODES) {
      const options: SoakNode = { runtime, token, join: scene.#urls.slice(0, 1), fast, leak };
      const node = actor(`node on ${runtime}`, runtime, "soak_node.ts", options);
      scene.#nodes.push(node);
      scene.#urls.push(String((await node.event("ready"))["url"]));
    }
    for (const runtime of STEADY) {
      scene.#steady.push(await scene.#peers(`peers on ${runtime}`, runtime, true));
    }
    return scene;
  }

  async warm(pairs: number): Promise<void> {
    await Promise.all(this.#steady.map((each) => ask(each, "lived", { order: "meet", pairs })));
  }

  /** Peers come and go for so long; then those of one process crash, the others leave, and all are forgotten. */
  async live(milliseconds: number): Promise<void> {
    const lived = Promise.all(
      this.#steady.map((each) => ask(each, "lived", { order: "live", milliseconds })),
    );
    this.#mortal = await this.#peers("mortal peers", "node", false);
    this.#mortal.order({ order: "live", milliseconds: null } satisfies PeersOrder);
    await sleep(milliseconds);
    await this.#mortal.kill();
    await lived;
    await sleep(REMEMBERED / this.#fast);
  }

  async note(judged: boolean, say: (text: string) => void): Promise<void> {
    for (const each of [...this.#nodes, ...this.#steady]) {
      const { vitals, state, counts } = await sample(each);
      if (judged) this.#note(each.name, (counts["lives"] ?? counts["sessions_total"]!) / 1_000, vitals);
      say(`${each.name}: ${JSON.stringify({ ...rounded(vitals), ...state, ...counts })}`);
    }
  }

  /** The nodes are asked until they have forgotten the peers that crashed. */
  async rest(): Promise<Pick<Soaked, "left" | "counts">> {
    const counts: Soaked["counts"] = {};
    for (const each of this.#steady) counts[each.name] = (await sample(each)).counts;
    await Promise.all(this.#steady.map((each) => each.kill()));
    const until = performance.now() + FORGOTTEN;
    for (;;) {
      const samples = await Promise.all(this.#nodes.map((node) => sample(node)));
      const left = Object.fromEntries(samples.map(({ state }, i) => [this.#nodes[i]!.name, state]));
      const empty = samples.every(({ state }) => Object.values(state).every((count) => count === 0));
      samples.forEach((sample, i) => counts[this.#nodes[i]!.name] = sample.counts);
      if (empty || performance.now() > until) return { left, counts };
      await sleep(1_000);
    }
  }

  slopes(): Soaked["slopes"] {
    return [...this.#series].map(([key, points]) => {
      const [process, what] = key.split(": ") as [string, string];
      const said = NOT_JUDGED.has(what) ? "not judged" : verdict(points, LEAST[what]);
      return { process, what, slope: theilSen(points), verdict: said };
    });
  }

  async close(): Promise<void> {
    const all = [...this.#nodes, ...this.#steady, ...this.#mortal ? [this.#mortal] : []];
    await Promise.all(all.map((each) => each.kill()));
  }

  async #peers(name: string, runtime: RuntimeName, judged: boolean): Promise<Actor> {
    const sdk = CURRENT.sdk(runtime);
    const options: SoakPeers = { sdk, nodes: this.#urls, lives: LIVES, judged, leak: this.#leak && judged };
    const peers = actor(name, runtime, "soak_peers.ts", options);
    await peers.event("ready");
    return peers;
  }

  #note(name: string, at: number, vitals: Vitals): void {
    for (const [what, value] of Object.entries(vitals)) {
      const key = `${name}: ${what}`;
      this.#series.set(key, [...this.#series.get(key) ?? [], { at, value }]);
    }
  }
}

function actor(name: string, runtime: RuntimeName, file: string, options: SoakNode | SoakPeers): Actor {
  return new Actor(name, runtime, new URL(file, import.meta.url).href, [JSON.stringify(options)], TIDY);
}

async function ask(who: Actor, event: string, order: PeersOrder): ReturnType<Actor["event"]> {
  const since = who.told.length;
  who.order(order);
  const told = await who.event(event, since);
  who.told.length = 0; // hours of samples are not kept
  return told;
}

async function sample(who: Actor): Promise<Sample> {
  return await ask(who, "sample", { order: "sample" }) as unknown as Sample;
}

function rounded(vitals: Vitals): Vitals {
  return Object.fromEntries(Object.entries(vitals).map(([what, value]) => [what, Math.round(value)]));
}
