/**
 * Along which sessions news of a node travels: down the tree of shortest ways from it, so that
 * each node gets each change once, whatever the number of sessions. Whoever holds the same
 * statements about edges sees the same trees; where views differ, or a branch breaks, digests
 * find what is missing (Leitão, Pereira, Rodrigues: "Epidemic Broadcast Trees", 2007, with the
 * tree computed from link state instead of learnt from duplicates).
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";

/** Who has sessions with whom, as both ends state it. */
export interface Topology {
  /** Changes with every edge. */
  readonly revision: number;
  /** Nodes that state a session with `node`, which states one with them. */
  joined(node: PeerId): Iterable<PeerId>;
}

/** Trees for as many origins as a mesh has; computed when asked for, void when an edge changes. */
export class SpanningTrees {
  readonly #topology: Topology;
  #revision = -1;
  readonly #parents = new Map<PeerId, Map<PeerId, PeerId>>();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** From whom `node` gets news of `origin`; `undefined`: there is no way that all agree on. */
  parent(origin: PeerId, node: PeerId): PeerId | undefined {
    const { revision } = this.#topology;
    if (revision !== this.#revision) this.#parents.clear();
    this.#revision = revision;
    let parents = this.#parents.get(origin);
    if (!parents) this.#parents.set(origin, parents = this.#search(origin));
    return parents.get(node);
  }

  /** Breadth first, one distance after the other. */
  #search(origin: PeerId): Map<PeerId, PeerId> {
    const parents = new Map<PeerId, PeerId>();
    for (let ring: PeerId[] = [origin]; ring.length > 0;) {
      const next = new Map<PeerId, PeerId>();
      for (const nearer of ring) {
        for (const node of this.#topology.joined(nearer)) {
          if (node === origin || parents.has(node)) continue;
          const other = next.get(node);
          if (other === undefined || isBetter(nearer, other, node)) next.set(node, nearer);
        }
      }
      for (const [node, parent] of next) parents.set(node, parent);
      ring = [...next.keys()];
    }
    return parents;
  }
}

/** The next one in the circle of ids after `node`: a choice that all make alike, and that spreads the work. */
function isBetter(candidate: PeerId, other: PeerId, node: PeerId): boolean {
  const [past, otherPast] = [candidate > node, other > node];
  return past === otherPast ? candidate < other : past;
}
