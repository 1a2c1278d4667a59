/**
 * Routes between nodes by link state, as OSPF's (RFC 2328): every node signs whom it has
 * sessions with, all hold all statements, each finds the fewest hops for itself. While
 * views agree there is no loop, because every hop is one nearer; while they differ, the
 * hop limit of the forwarded frame ends it.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { MAX_NEIGHBOURS } from "../wire/limits.ts";
import { MAX_GRAVES, MAX_KNOWN } from "./mesh_limits.ts";

/** Whom `node` has sessions with. A later statement has a higher (epoch, version). */
export interface EdgeStatement {
  readonly node: PeerId;
  readonly epoch: number;
  readonly version: number;
  /** At most `MAX_NEIGHBOURS`. */
  readonly neighbours: readonly PeerId[];
}

/** With its frame as it arrived, signature verified: it is passed on as it is. */
export interface SignedEdges extends EdgeStatement {
  readonly frame: Uint8Array;
}

/**
 * `new`: pass it on. `old`: the speaker may want ours. `ahead`: our own, from a life we do
 * not remember (`Members.outbid`). `refused`: of no living member.
 */
export type Acceptance = "new" | "known" | "old" | "ahead" | "refused";

export interface RoutesOptions {
  id: PeerId;
  epoch: number;
  /** Whether a node is a member that may live: a stranger's statement takes no memory. */
  known: (node: PeerId) => boolean;
}

interface Held {
  readonly statement: SignedEdges;
  readonly neighbours: ReadonlySet<PeerId>;
}

type Ways = Map<PeerId, { hop: PeerId; distance: number }>;

/** A tie-break follows a round trip only when it changed this much, so that routes hold still. */
const NOTICEABLE = 1.25;

/**
 * The routes of one node.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(52)) as [PeerId, PeerId, PeerId];
 * const routes = new Routes({ id: a, epoch: 1, known: () => true });
 * const frame = new Uint8Array();
 * routes.sessionUp(b, 20);
 * routes.accept({ node: b, epoch: 1, version: 1, neighbours: [a, c], frame });
 * assert.equal(routes.nextHop(c), undefined); // c did not say so
 * routes.accept({ node: c, epoch: 1, version: 1, neighbours: [b], frame });
 * assert.equal(routes.nextHop(c), b);
 * ```
 */
export class Routes {
  readonly #options: RoutesOptions;
  #epoch: number;
  #version = 0;
  /** Round trips, milliseconds. */
  readonly #sessions = new Map<PeerId, number>();
  /** Neighbours that answer late. */
  readonly #doubted = new Set<PeerId>();
  readonly #held = new Map<PeerId, Held>();
  /** The epochs in which nodes died, oldest first. */
  readonly #buried = new Map<PeerId, number>();
  #hops: Ways | undefined;
  /** The same as if nobody were doubted. */
  #agreed: Ways | undefined;
  #revision = 0;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /** Changes with every edge. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether both state a session with each other. */
  areJoined(a: PeerId, b: PeerId): boolean {
    return this.#states(a, b) && this.#states(b, a);
  }

  /** Nodes that state a session with `node`, which states one with them. */
  *joined(node: PeerId): IterableIterator<PeerId> {
    const stated = node === this.#options.id ? this.#sessions.keys() : this.#held.get(node)?.neighbours ?? [];
    for (const other of stated) if (this.#states(other, node)) yield other;
  }

  /** What this node has to sign and send to all neighbours; its version grows with each change. */
  get own(): EdgeStatement {
    const neighbours = [...this.#sessions.keys()].sort().slice(0, MAX_NEIGHBOURS);
    return { node: this.#options.id, epoch: this.#epoch, version: this.#version, neighbours };
  }

  /** A session is ready. `rtt` in milliseconds, as far as it is known. Returns whether {@link own} changed. */
  sessionUp(node: PeerId, rtt: number = Infinity): boolean {
    const added = !this.#sessions.has(node);
    this.#sessions.set(node, rtt);
    this.#doubted.delete(node);
    this.#turned();
    if (added) this.#version++;
    return added;
  }

  /** The last session with `node` ended. Returns whether {@link own} changed. */
  sessionDown(node: PeerId): boolean {
    this.#doubted.delete(node);
    if (!this.#sessions.delete(node)) return false;
    this.#turned();
    this.#version++;
    return true;
  }

  /** A new round trip, milliseconds; it only breaks ties. */
  measured(node: PeerId, rtt: number): void {
    const before = this.#sessions.get(node);
    if (before === undefined || (rtt < before * NOTICEABLE && before < rtt * NOTICEABLE)) return;
    this.#sessions.set(node, rtt);
    this.#hops = this.#agreed = undefined;
  }

  /** A neighbour answers late, or again: while it is doubted, routes lead around it where they can. */
  doubt(node: PeerId, doubted: boolean): void {
    if (doubted) this.#doubted.add(node);
    else this.#doubted.delete(node);
    this.#hops = this.#agreed = undefined;
  }

  /** This node took a new epoch: {@link own} is to be signed and sent again. */
  renew(epoch: number): void {
    this.#epoch = epoch;
    this.#version = 1;
  }

  /** A statement whose signature was verified. */
  accept(statement: SignedEdges): Acceptance {
    const { node, epoch } = statement;
    if (node === this.#options.id) return this.#isAhead(statement) ? "ahead" : "known";
    const held = this.#held.get(node)?.statement;
    const order = held ? compareVersions(statement, held) : 1;
    if (order <= 0) return order < 0 ? "old" : "known";
    if (statement.neighbours.length > MAX_NEIGHBOURS || this.#isGone(node, epoch)) return "refused";
    if (!held && this.#held.size >= MAX_KNOWN) return "refused";
    this.#held.set(node, { statement, neighbours: new Set(statement.neighbours) });
    this.#turned();
    return "new";
  }

  /** The node died, left or was forgotten in `epoch`: what it said in it is void. */
  bury(node: PeerId, epoch: number): void {
    this.#buried.delete(node);
    if (this.#buried.size >= MAX_GRAVES) this.#buried.delete(this.#buried.keys().next().value!);
    this.#buried.set(node, epoch);
    const held = this.#held.get(node);
    if (!held || held.statement.epoch > epoch) return;
    this.#held.delete(node);
    this.#turned();
  }

  /** What others stated, for a neighbour that lacks it. */
  get(node: PeerId): SignedEdges | undefined {
    return this.#held.get(node)?.statement;
  }

  *statements(): IterableIterator<SignedEdges> {
    for (const { statement } of this.#held.values()) yield statement;
  }

  /** Sessions between nodes that both ends state, own ones included; the smaller id first. */
  edges(): [PeerId, PeerId][] {
    const own = [...this.#sessions.keys()].map((node) => [this.#options.id, node] as [PeerId, PeerId]);
    const others = [...this.#held].flatMap(([node, { neighbours }]) =>
      [...neighbours].filter((next) => node < next && this.#held.get(next)?.neighbours.has(node))
        .map((next) => [node, next] as [PeerId, PeerId])
    );
    return [...own.map(([a, b]): [PeerId, PeerId] => a < b ? [a, b] : [b, a]), ...others];
  }

  /**
   * The neighbour on the way to `destination` with the fewest hops; of several, the one
   * with the shortest round trip, then the smallest id. A node with a session is its own
   * next hop, unless it is doubted and there is a way around. `undefined`: no way.
   */
  nextHop(destination: PeerId): PeerId | undefined {
    return this.#table().get(destination)?.hop;
  }

  /**
   * The same by what all nodes agree on, for what comes from another node: of those that doubt a
   * neighbour alike each would send it around through the next, in a circle.
   */
  agreedHop(destination: PeerId): PeerId | undefined {
    return this.#agreedTable().get(destination)?.hop;
  }

  /** Hops to `destination`, by what all `agreed` on or by the own view; `undefined`: no way. */
  distance(destination: PeerId, agreed: boolean = false): number | undefined {
    return (agreed ? this.#agreedTable() : this.#table()).get(destination)?.distance;
  }

  #states(node: PeerId, other: PeerId): boolean {
    if (node === this.#options.id) return this.#sessions.has(other);
    return this.#held.get(node)?.neighbours.has(other) ?? false;
  }

  #turned(): void {
    this.#hops = this.#agreed = undefined;
    this.#revision++;
  }

  #isAhead(statement: EdgeStatement): boolean {
    return compareVersions(statement, { epoch: this.#epoch, version: this.#version }) > 0;
  }

  #isGone(node: PeerId, epoch: number): boolean {
    return !this.#options.known(node) || epoch <= (this.#buried.get(node) ?? -1);
  }

  #agreedTable(): Ways {
    return this.#agreed ??= this.#doubted.size > 0 ? this.#ways(new Set()) : this.#table();
  }

  #table(): Ways {
    return this.#hops ??= this.#ways(this.#doubted);
  }

  /**
   * Breadth first. The first hops stand in order of preference, and a queue keeps it: what
   * is found first at a distance is found through the best first hop.
   */
  #ways(doubted: ReadonlySet<PeerId>): Ways {
    const found: Ways = new Map();
    const first = this.#firstHops();
    this.#spread(found, first.filter((hop) => !doubted.has(hop)));
    if (doubted.size > 0) this.#spread(found, first);
    return found;
  }

  /** Adds what these first hops lead to, as far as nothing better is known. */
  #spread(found: Ways, first: PeerId[]): void {
    for (const hop of first) if (!found.has(hop)) found.set(hop, { hop, distance: 1 });
    for (const [node, { hop, distance }] of found) { // grows while it is walked
      for (const next of this.#held.get(node)?.neighbours ?? []) {
        if (found.has(next) || next === this.#options.id || !this.#joined(node, next, distance)) continue;
        found.set(next, { hop, distance: distance + 1 });
      }
    }
  }

  #firstHops(): PeerId[] {
    const sessions = [...this.#sessions].sort(([a, rttA], [b, rttB]) =>
      rttA === rttB ? (a < b ? -1 : 1) : rttA - rttB
    );
    return sessions.map(([node]) => node);
  }

  /** Both ends claim the edge; and a neighbour carries for us only if it claims us too. */
  #joined(node: PeerId, next: PeerId, distance: number): boolean {
    if (distance === 1 && !this.#held.get(node)!.neighbours.has(this.#options.id)) return false;
    return this.#held.get(next)?.neighbours.has(node) ?? false;
  }
}

type Version = Pick<EdgeStatement, "epoch" | "version">;

function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.version - b.version;
}
