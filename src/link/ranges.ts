/** Disjoint, ascending ranges of sequence numbers that arrived ahead of a gap; `to` is exclusive. */
export class Ranges {
  #edges: number[] = [];

  get size(): number {
    return this.#edges.length / 2;
  }

  has(seq: number): boolean {
    return this.#position(seq) % 2 === 1;
  }

  /** Adds one number; returns false when it was there. */
  add(seq: number): boolean {
    const at = this.#position(seq);
    if (at % 2 === 1) return false;
    const joinsLeft = at > 0 && this.#edges[at - 1] === seq;
    const joinsRight = this.#edges[at] === seq + 1;
    if (joinsLeft && joinsRight) this.#edges.splice(at - 1, 2);
    else if (joinsLeft) this.#edges[at - 1] = seq + 1;
    else if (joinsRight) this.#edges[at] = seq;
    else this.#edges.splice(at, 0, seq, seq + 1);
    return true;
  }

  /** Forgets everything below `seq`. */
  dropBelow(seq: number): void {
    const at = this.#position(seq);
    this.#edges.splice(0, at);
    if (at % 2 === 1) this.#edges.unshift(seq);
  }

  /** The first `count` ranges, as `[from, to, from, to, …]`. */
  first(count: number): number[] {
    return this.#edges.slice(0, 2 * count);
  }

  /** How many edges lie at or below `seq`: odd means within a range. */
  #position(seq: number): number {
    let low = 0;
    let high = this.#edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#edges[middle]! <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
