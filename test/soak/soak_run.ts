/** Nodes on two runtimes in a mesh, peers that come and go, some by `kill -9`, and what each process holds meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { CURRENT } from "../chaos/builds.ts";
import { Actor } from "../examples/actor.ts";
import type { RuntimeName } from "../runtimes.ts";
import { floors, grows, type Point, type Slope, theilSen } from "./slope.ts";
import type { SoakPeers } from "./soak_peers.ts";
import type { Vitals } from "./vitals.ts";

const NODES: readonly RuntimeName[] = ["bun", "node"];
/** Peers at a time in each process: two of these live for the whole run and are watched, one dies again and again. */
const LIVES = 8;
const STEADY: readonly RuntimeName[] = ["bun", "node"];
/** Milliseconds that the third lives. */
const SPAN = 15_000;
/** Milliseconds between two samples. */
const EVERY = 5_000;
/** Samples of which the least is taken. */
const BLOCK = 6;
/** The first part of a run is for compilers, pools, and caches: that of verified keys is full after 1,024 of them. */
const WARM_UP = 0.5;
/** The part in which peers come as fast as they can; what nodes remember of them is gone before any is judged. */
const HURRY = 0.4;
/** Milliseconds in which nodes have forgotten peers that died: three pings are missed. */
const FORGOTTEN = 120_000;

export interface Sample {
  vitals: Vitals;
  state: Record<string, number>;
  counts: Record<string, number>;
}

export interface Soaked {
  minutes: number;
  slopes: { process: string; what: string; slope: Slope; grows: boolean }[];
  /** What is left of each node's state when all peers have gone; whole only if everything is 0. */
  left: Record<string, Record<string, number>>;
  counts: Record<string, Record<string, number>>;
}

export async function soak(minutes: number, say: (text: string) => void = () => {}): Promise<Soaked> {
  const scene = await Scene.open(Date.now() + minutes * 60_000 * HURRY);
  try {
    const until = performance.now() + minutes * 60_000;
    const dying = scene.dieAgainAndAgain(until);
    await scene.watch(until, say);
    await dying;
    const rested = await scene.rest();
    return { minutes, slopes: scene.slopes(minutes), ...rested };
  } finally {
    await scene.close();
  }
}

class Scene {
  readonly #nodes: Actor[] = [];
  readonly #steady: Actor[] = [];
  readonly #series = new Map<string, Point[]>();
  #urls: string[] = [];
  #mortal: Actor | undefined;
  readonly #began = performance.now();
  readonly #hurry: number;

  constructor(hurry: number) {
    this.#hurry = hurry;
  }

  /** `hurry`: until when peers come as fast as they can, milliseconds since 1970. */
  static async open(hurry: number): Promise<Scene> {
    const scene = new Scene(hurry);
    const token = crypto.randomUUID();
    for (const runtime of NODES) {
      const node = actor(`node on ${runtime}`, runtime, "soak_node.ts", [
        runtime,
        token,
        ...scene.#urls.slice(0, 1),
      ]);
      scene.#nodes.push(node);
      scene.#urls.push(String((await node.event("ready"))["url"]));
    }
    for (const runtime of STEADY) {
      scene.#steady.push(await scene.#peers(`peers on ${runtime}`, runtime, true));
    }
    return scene;
  }

  async dieAgainAndAgain(until: number): Promise<void> {
    while (performance.now() < until) {
      this.#mortal = await this.#peers("mortal peers", "node", false);
      await sleep(Math.min(SPAN, Math.max(0, until - performance.now())));
      await this.#mortal.kill();
    }
  }

  async watch(until: number, say: (text: string) => void): Promise<void> {
    while (performance.now() < until) {
      await sleep(Math.min(EVERY, Math.max(0, until - performance.now())));
      for (const each of [...this.#nodes, ...this.#steady]) {
        const { vitals, state, counts } = await ask(each, "sample");
        this.#note(each.name, vitals);
        say(`${each.name}: ${JSON.stringify({ ...rounded(vitals), ...state, ...counts })}`);
      }
    }
  }

  /** All peers leave; the nodes are asked until they have forgotten them. */
  async rest(): Promise<Pick<Soaked, "left" | "counts">> {
    const rested = await Promise.all(this.#steady.map((each) => ask(each, "rest")));
    const counts = Object.fromEntries(rested.map(({ counts }, i) => [this.#steady[i]!.name, counts]));
    await Promise.all(this.#steady.map((each) => each.kill()));
    const until = performance.now() + FORGOTTEN;
    for (;;) {
      const samples = await Promise.all(this.#nodes.map((node) => ask(node, "sample")));
      const left = Object.fromEntries(samples.map(({ state }, i) => [this.#nodes[i]!.name, state]));
      const empty = samples.every(({ state }) => Object.values(state).every((count) => count === 0));
      samples.forEach((sample, i) => counts[this.#nodes[i]!.name] = sample.counts);
      if (empty || performance.now() > until) return { left, counts };
      await sleep(1_000);
    }
  }

  slopes(minutes: number): Soaked["slopes"] {
    return [...this.#series].map(([key, points]) => {
      const [process, what] = key.split(": ") as [string, string];
      const judged = floors(points.filter(({ at }) => at > minutes * WARM_UP), BLOCK);
      return { process, what, slope: theilSen(judged), grows: grows(judged) };
    });
  }

  async close(): Promise<void> {
    const all = [...this.#nodes, ...this.#steady, ...this.#mortal ? [this.#mortal] : []];
    await Promise.all(all.map((each) => each.kill()));
  }

  async #peers(name: string, runtime: RuntimeName, judged: boolean): Promise<Actor> {
    const sdk = CURRENT.sdk(runtime);
    const options: SoakPeers = { sdk, nodes: this.#urls, lives: LIVES, hurry: this.#hurry, judged };
    const peers = actor(name, runtime, "soak_peers.ts", [JSON.stringify(options)]);
    await peers.event("ready");
    return peers;
  }

  #note(name: string, vitals: Vitals): void {
    const at = (performance.now() - this.#began) / 60_000;
    for (const [what, value] of Object.entries(vitals)) {
      const key = `${name}: ${what}`;
      this.#series.set(key, [...this.#series.get(key) ?? [], { at, value }]);
    }
  }
}

function actor(name: string, runtime: RuntimeName, file: string, words: string[]): Actor {
  return new Actor(name, runtime, new URL(file, import.meta.url).href, words);
}

async function ask(who: Actor, order: string): Promise<Sample> {
  const since = who.told.length;
  who.order({ order });
  const sample = await who.event("sample", since) as unknown as Sample;
  who.told.length = 0; // hours of samples are not kept
  return sample;
}

function rounded(vitals: Vitals): Vitals {
  return Object.fromEntries(Object.entries(vitals).map(([what, value]) => [what, Math.round(value)]));
}
