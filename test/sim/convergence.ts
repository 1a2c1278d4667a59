/** How long it takes until every node knows of a change. */
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { ChangeKind, SimPeer } from "./peers.ts";
import type { Station, World } from "./world.ts";

/** Milliseconds between two looks: the precision of what is measured. */
const LOOK = 10;
/** Milliseconds of peace before a change for it to count as undisturbed. */
const PEACE = 10_000;

interface Change {
  readonly who: SimPeer;
  readonly kind: ChangeKind;
  readonly at: number;
  readonly calm: boolean;
  waiting: Station[];
}

export class Convergence {
  /** Milliseconds, of changes in peace; and of those during a fault. */
  readonly calm: Record<ChangeKind, number[]> = { join: [], leave: [], crash: [], move: [] };
  readonly troubled: number[] = [];
  changes: number = 0;
  /** Faults under way, and when the last one ended. */
  troubles: number = 0;
  lastTrouble: number = -Infinity;
  readonly #world: World;
  readonly #pending = new Map<SimPeer, Change>();
  #looking = false;

  constructor(world: World) {
    this.#world = world;
  }

  changed(who: SimPeer, kind: ChangeKind): void {
    this.changes++;
    const { now } = this.#world;
    const calm = this.troubles === 0 && now - this.lastTrouble > PEACE;
    const before = this.#pending.get(who);
    const first = before && (before.kind !== "move" && kind === "move") ? before : undefined;
    const waiting = [...this.#world.stations];
    this.#pending.set(who, { who, kind: first?.kind ?? kind, at: now, calm, waiting });
    if (!this.#looking) this.#look();
  }

  trouble(by: 1 | -1): void {
    this.troubles += by;
    this.lastTrouble = this.#world.now;
    for (const [who, change] of this.#pending) this.#pending.set(who, { ...change, calm: false });
  }

  /** Whether a node's word on a peer is the truth. */
  static agrees(station: Station, who: SimPeer, truth: readonly PeerId[]): boolean {
    const nodes: readonly PeerId[] = station.node.place(who.id)?.nodes ?? [];
    return nodes.length === truth.length && nodes.every((node) => truth.includes(node));
  }

  #look(): void {
    this.#looking = this.#pending.size > 0;
    if (!this.#looking) return;
    for (const change of this.#pending.values()) this.#see(change);
    this.#world.timeline.after(LOOK, () => this.#look());
  }

  #see(change: Change): void {
    const { who, kind, at, calm } = change;
    const truth = who.nodes;
    change.waiting = change.waiting.filter((station) =>
      station.machine.state !== "dead" && !Convergence.agrees(station, who, truth)
    );
    if (change.waiting.length > 0) return;
    this.#pending.delete(who);
    const took = this.#world.now - at;
    if (calm) this.calm[kind].push(took);
    else this.troubled.push(took);
  }
}

/** What some nodes say that is not so; at most a few examples. */
export function disagreements(world: World, peers: readonly SimPeer[], most = 5): string[] {
  const found: string[] = [];
  const truths = peers.map(({ nodes }) => nodes);
  for (const station of world.running) {
    for (const [at, who] of peers.entries()) {
      if (who.machine.state === "frozen" || Convergence.agrees(station, who, truths[at]!)) continue;
      const name = (id: PeerId) => `n${world.byId.get(id)?.number ?? "?"}`;
      const said = station.node.place(who.id)?.nodes.map(name).join("+") || "nowhere";
      const truth = truths[at]!.map(name).join("+") || "nowhere";
      found.push(`n${station.number} says that p${who.number} is at ${said}, not at ${truth}`);
      if (found.length >= most) return found;
    }
  }
  return found;
}

/**
 * What some nodes say that was not so already `patience` virtual milliseconds ago: in a large mesh some
 * peer is always just changing a node, and the word of it is under way.
 */
export async function lastingDisagreements(
  world: World,
  peers: readonly SimPeer[],
  patience: number,
): Promise<string[]> {
  const before = new Set(disagreements(world, peers, Infinity));
  if (before.size === 0) return [];
  await world.pass(patience);
  return disagreements(world, peers, Infinity).filter((text) => before.has(text)).slice(0, 5);
}
