/** What goes wrong, when the seed says so. Each fault begins, and ends by itself. */
import type { Convergence } from "./convergence.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { Habits, SimPeer } from "./peers.ts";
import type { Station, World } from "./world.ts";

export const FAULTS = [
  "session-reset",
  "session-kicked",
  "line-silent",
  "line-reset",
  "partition",
  "node-killed",
  "node-frozen",
  "peer-killed",
  "peer-left",
  "peer-frozen",
  "peer-cut-off",
  "slow-network",
  "clock-stepped",
] as const;

export type FaultName = (typeof FAULTS)[number];

export interface FaultParts {
  world: World;
  peers: readonly SimPeer[];
  habits: Habits;
  convergence: Convergence;
  dice: Dice;
}

export class Faults {
  readonly counts: Map<FaultName, number> = new Map();
  readonly #parts: FaultParts;
  /** Ends what is still going on. */
  readonly #undo = new Set<() => void>();

  constructor(parts: FaultParts) {
    this.#parts = parts;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  inject(name: FaultName): void {
    if (!this.#begin(name)) return;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#parts.world.trace.note(FAULTS.indexOf(name));
  }

  /** Everything works again. */
  endAll(): void {
    for (const undo of [...this.#undo]) undo();
  }

  /** Two halves that hear nothing of each other. */
  partition(duration: number): void {
    const { world, dice } = this.#parts;
    const half = new Set(dice.some(world.stations, world.stations.length >> 1).map(({ number }) => number));
    const side = ({ name }: Machine) => half.has(Number(name.slice(1)));
    const nodes = (a: Machine, b: Machine) => a.name[0] === "n" && b.name[0] === "n";
    this.#lasting(duration, world.network.block((a, b) => nodes(a, b) && side(a) !== side(b)));
  }

  #begin(name: FaultName): boolean {
    switch (name) {
      case "session-reset":
        return this.#resetSession();
      case "session-kicked":
        return this.#kick();
      case "line-silent":
        return this.#silence();
      case "line-reset":
        return this.#resetLine();
      case "partition":
        return this.#parts.world.network.walls === 0 && (this.partition(this.#lasts(3_000, 15_000)), true);
      case "node-killed":
        return this.#killNode();
      case "node-frozen":
        return this.#freeze(this.#runningNode()?.machine, 1_000, 12_000);
      case "peer-killed":
        return this.#killPeer();
      case "peer-left":
        return this.#leave();
      case "peer-frozen":
        return this.#freeze(this.#presentPeer()?.machine, 1_000, 20_000);
      case "peer-cut-off":
        return this.#cutOff();
      case "slow-network":
        return this.#slow();
      case "clock-stepped":
        return this.#stepClock();
    }
  }

  #lasts(low: number, high: number): number {
    return this.#parts.dice.between(low, high);
  }

  #lasting(duration: number, undo: () => void): void {
    const { world, convergence } = this.#parts;
    convergence.trouble(1);
    const end = () => {
      if (!this.#undo.delete(end)) return;
      undo();
      convergence.trouble(-1);
    };
    this.#undo.add(end);
    world.timeline.after(duration, end);
  }

  #momentary(): true {
    this.#parts.convergence.trouble(1);
    this.#parts.convergence.trouble(-1);
    return true;
  }

  /** At most a third of the nodes is away at once. */
  #runningNode(): Station | undefined {
    const { world, dice } = this.#parts;
    const { running } = world;
    return running.length * 3 > world.stations.length * 2 ? dice.pick(running) : undefined;
  }

  #presentPeer(): SimPeer | undefined {
    const { peers, dice } = this.#parts;
    const present = peers.filter((who) => who.present && who.machine.state === "running");
    return present.length > 0 ? dice.pick(present) : undefined;
  }

  #resetSession(): boolean {
    const { world, dice } = this.#parts;
    const lines = [...world.network.lines].filter(({ open, passes }) => open && passes);
    if (lines.length === 0) return false;
    dice.pick(lines).break();
    return true;
  }

  #resetLine(): boolean {
    const { world, dice } = this.#parts;
    const lines = [...world.network.lines].filter(({ open, dialer, passes }) =>
      open && passes && dialer.machine.name[0] === "n"
    );
    if (lines.length === 0) return false;
    dice.pick(lines).break();
    return this.#momentary();
  }

  #kick(): boolean {
    const who = this.#presentPeer();
    const home = who?.nodes[0];
    const node = home && this.#parts.world.byId.get(home);
    if (!who || !node || node.machine.state !== "running") return false;
    node.node.disconnect(who.id, "a fault");
    return true;
  }

  #silence(): boolean {
    const { world, dice } = this.#parts;
    const [one, other] = dice.some(world.stations, 2).map(({ number }) => `n${number}`);
    const concerned = (a: Machine, b: Machine) => a.name === one && b.name === other;
    this.#lasting(this.#lasts(2_000, 20_000), world.network.block(concerned));
    return true;
  }

  #killNode(): boolean {
    const station = this.#runningNode();
    if (!station) return false;
    const { world } = this.#parts;
    world.kill(station);
    this.#lasting(this.#lasts(500, 25_000), () => world.boot(station));
    return true;
  }

  #freeze(machine: Machine | undefined, low: number, high: number): boolean {
    if (!machine) return false;
    machine.freeze();
    this.#lasting(this.#lasts(low, high), () => machine.thaw());
    return true;
  }

  #killPeer(): boolean {
    const who = this.#presentPeer();
    if (!who) return false;
    who.crash();
    this.#return(who);
    return true;
  }

  #leave(): boolean {
    const who = this.#presentPeer();
    if (!who) return false;
    void who.leave();
    this.#return(who);
    return true;
  }

  /** Without being trouble for others: what they see of it is measured. */
  #return(who: SimPeer): void {
    const { world, habits } = this.#parts;
    const end = () => {
      if (this.#undo.delete(end) && !who.present) void who.open(habits);
    };
    this.#undo.add(end);
    world.timeline.after(this.#lasts(300, 20_000), end);
  }

  #cutOff(): boolean {
    const who = this.#presentPeer();
    if (!who) return false;
    const { name } = who.machine;
    this.#lasting(
      this.#lasts(1_000, 30_000),
      this.#parts.world.network.block((a, b) => a.name === name || b.name === name),
    );
    return true;
  }

  #slow(): boolean {
    const { network } = this.#parts.world;
    const [jitter, loss] = [network.jitter, network.loss];
    if (jitter > 50) return false;
    network.jitter = this.#lasts(50, 400);
    network.loss = this.#lasts(0.01, 0.1);
    this.#lasting(this.#lasts(2_000, 10_000), () => Object.assign(network, { jitter, loss }));
    return true;
  }

  /** As NTP does it to a machine that was wrong. */
  #stepClock(): boolean {
    const { world, dice } = this.#parts;
    const station = dice.pick(world.stations);
    station.skew = station.machine.skew = this.#lasts(-20_000, 20_000);
    return this.#momentary();
  }
}
