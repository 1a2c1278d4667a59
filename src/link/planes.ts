/** Which of a peer's two node sessions something travels by: two disjoint ways, as far as the network has them. */
export type Plane = "home" | "standby";

/**
 * The plane a link uses now: answers go the way the last word came, and what got no
 * answer goes the other way (protocol rule 13). Pure.
 */
export class Planes {
  now: Plane = "home";
  private refusedBy: Plane | undefined;
  private readonly count: () => number;

  /** `count`: how many planes there are now. */
  constructor(count: () => number) {
    this.count = count;
  }

  /** An authentic packet came by this plane. */
  heard(plane: Plane): void {
    this.now = plane;
    this.refusedBy = undefined;
  }

  /** No answer came in time. */
  doubt(): void {
    if (this.count() > 1) this.now = other(this.now);
  }

  /** A node does not know the peer. False when no other plane is left to try. */
  refused(plane: Plane): boolean {
    const both = this.refusedBy !== undefined && this.refusedBy !== plane;
    if (both || this.count() < 2) return false;
    this.refusedBy = plane;
    this.now = other(plane);
    return true;
  }
}

function other(plane: Plane): Plane {
  return plane === "home" ? "standby" : "home";
}
