/** Which of a peer's two node sessions something travels by: two disjoint ways, as far as the network has them. */
export type Plane = "home" | "standby";

/**
 * The plane a link uses now: answers go the way the last word came. While an answer is
 * overdue packets go both ways, since nobody knows which of them is broken (protocol rule
 * 13); the first that brings something is used from then on. Pure.
 */
export class Planes {
  now: Plane = "home";
  #refusedBy: Plane | undefined;
  readonly #count: () => number;

  /** `count`: how many planes there are now. */
  constructor(count: () => number) {
    this.#count = count;
  }

  /** An authentic packet came by this plane. */
  heard(plane: Plane): void {
    this.now = plane;
    this.#refusedBy = undefined;
  }

  /** Where a packet goes. A copy costs bytes alone: the counter in it shows the receiver what it has. */
  ways(overdue: boolean): readonly Plane[] {
    return overdue && this.#count() > 1 ? [this.now, other(this.now)] : [this.now];
  }

  /** A node does not know the peer. False when no other plane is left to try. */
  refused(plane: Plane): boolean {
    const both = this.#refusedBy !== undefined && this.#refusedBy !== plane;
    if (both || this.#count() < 2) return false;
    this.#refusedBy = plane;
    this.now = other(plane);
    return true;
  }
}

function other(plane: Plane): Plane {
  return plane === "home" ? "standby" : "home";
}
