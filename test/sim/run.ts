/**
 * One seed: nodes and peers begin, talk through faults for some minutes, and come to rest. What
 * must hold is checked all the while.
 *
 * @module
 */
import process from "node:process";
import { Convergence, disagreements } from "./convergence.ts";
import { FAULTS, Faults } from "./faults.ts";
import { Hostile } from "./hostile.ts";
import { Ledger } from "./ledger.ts";
import { type Habits, SimPeer } from "./peers.ts";
import { type Report, reportOf } from "./report.ts";
import { Watch } from "./watch.ts";
import { World } from "./world.ts";

export interface RunOptions {
  seed: number;
  nodes: number;
  peers: number;
  /** Virtual minutes from the first boot to the last check. */
  minutes: number;
  /** Messages to send at least, while there are faults. */
  messages: number;
  /** Sessions that a node keeps with others; default: as nodes do. */
  target?: number;
}

/** Milliseconds: nodes find each other, then peers come one after the other. */
const BOOT = 4_000;
const ARRIVALS = 8_000;
/** Milliseconds between two faults. */
const PACE = [300, 3_000] as const;
/** Milliseconds at the end: what was hurt recovers, and then there is no fault but one partition. */
const RECOVERY = 16_000;
const LAST_PARTITION = 8_000;
/** Milliseconds within which everybody finds everybody after the network healed (the figure). */
export const HEALED_WITHIN = 5_000;
/** Milliseconds after which nobody waits for it any longer. */
const MOST_HEALING = 30_000;
/** Milliseconds that the last message may take. */
const LAST_MESSAGES = 20_000;
/** Others that each peer writes to. */
const CORRESPONDENTS = 2;

/** Milliseconds across the map. */
const BREADTHS = [0, 10, 100];

/** Milliseconds in which there are faults. */
function sufferingOf({ minutes }: RunOptions): number {
  return minutes * 60_000 - BOOT - ARRIVALS - RECOVERY - LAST_PARTITION;
}

export async function run(options: RunOptions): Promise<Report> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  // One room, one country, one planet.
  const breadth = BREADTHS[options.seed % BREADTHS.length]!;
  const world = new World({ seed: options.seed, nodes: options.nodes, breadth, target: options.target });
  try {
    const scene = new Scene(world, options);
    await scene.play();
    const { ledger, convergence, faults, watch, hostile, healed } = scene;
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const cpuSeconds = (user + system) / 1e6;
    return reportOf({
      world,
      options,
      ledger,
      convergence,
      faults,
      watch,
      hostile,
      healed,
      seconds,
      cpuSeconds,
    });
  } finally {
    world.end();
  }
}

class Scene {
  readonly world: World;
  readonly ledger: Ledger;
  readonly convergence: Convergence;
  readonly faults: Faults;
  readonly watch: Watch;
  readonly hostile: Hostile;
  readonly peers: SimPeer[] = [];
  /** Milliseconds from the end of the last partition until all agreed; undefined: they did not. */
  healed: number | undefined;
  readonly #options: RunOptions;
  readonly #habits: Habits;

  constructor(world: World, options: RunOptions) {
    this.world = world;
    this.#options = options;
    this.ledger = new Ledger(() => world.now);
    this.convergence = new Convergence(world);
    const talks = options.peers * CORRESPONDENTS;
    const talking = sufferingOf(options);
    // A tenth of the turns says five things, and all go on while it is calm; peers that are away say nothing.
    this.#habits = { pause: 1.45 * talking * talks / options.messages, talking: true };
    this.#people();
    const { convergence, peers } = this;
    const dice = world.dice.fork();
    this.faults = new Faults({ world, peers, habits: this.#habits, convergence, dice });
    this.watch = new Watch(world, peers, this.ledger);
    this.hostile = new Hostile(world, peers);
  }

  async play(): Promise<void> {
    const { world, faults } = this;
    this.watch.begin();
    await world.pass(BOOT);
    await this.#arrive();
    await this.#suffer(sufferingOf(this.#options));
    faults.endAll();
    this.hostile.rest();
    await world.pass(RECOVERY);
    faults.partition(LAST_PARTITION);
    await world.pass(LAST_PARTITION);
    await this.#heal();
    this.#habits.talking = false;
    await world.until(() => this.ledger.outstanding().length === 0, LAST_MESSAGES, 250);
    this.ledger.close();
    await this.watch.leave();
  }

  #people(): void {
    const { world } = this;
    const dice = world.dice.fork();
    for (let number = 0; number < this.#options.peers; number++) {
      const nodes = dice.some(world.stations, dice.chance(0.1) ? 1 : dice.chance(0.2) ? 3 : 2);
      const urls = nodes.map(({ url }) => url);
      const changed = this.convergence.changed.bind(this.convergence);
      this.peers.push(new SimPeer(world, number, urls, this.ledger, changed));
    }
    for (const peer of this.peers) {
      const others = this.peers.filter((other) => other !== peer);
      peer.correspondents.push(...dice.some(others, CORRESPONDENTS));
    }
  }

  async #arrive(): Promise<void> {
    const pause = ARRIVALS / 2 / this.peers.length;
    for (const peer of this.peers) {
      void peer.open(this.#habits);
      await this.world.pass(pause);
    }
    await this.world.pass(ARRIVALS / 2);
    for (const text of disagreements(this.world, this.peers)) this.ledger.fault(`after the start ${text}`);
  }

  async #suffer(duration: number): Promise<void> {
    const { world } = this;
    const dice = world.dice.fork();
    this.hostile.begin();
    for (const end = world.now + duration; world.now < end;) {
      await world.pass(dice.between(...PACE));
      this.faults.inject(dice.pick(FAULTS));
    }
  }

  async #heal(): Promise<void> {
    const { world } = this;
    const began = world.now;
    const agreed = await world.until(() => disagreements(world, this.peers, 1).length === 0, MOST_HEALING);
    if (agreed) this.healed = world.now - began;
    if (agreed && this.healed! <= HEALED_WITHIN) return;
    this.ledger.fault(`the network healed, and all agreed after ${this.healed ?? "more than 30000"} ms only`);
    for (const text of disagreements(world, this.peers)) this.ledger.fault(`long after healing ${text}`);
  }
}
