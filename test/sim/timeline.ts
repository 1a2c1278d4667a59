/** Virtual time: what is due at one moment runs in the order it was asked for, and promises settle in between. */

export interface Due {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Turns of the event loop that are asked for together: one by one each would also ask the system for news. */
const TURNS = 64;

/** A binary heap, so that a hundred thousand timers cost no more than a hundred. */
export class Timeline {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Things that happened. */
  steps = 0;
  #order = 0;
  #cancelled = 0;
  #heap: Due[] = [];

  /** Things still to happen. */
  get waiting(): number {
    return this.#heap.length - this.#cancelled;
  }

  after(delay: number, run: () => void): Due {
    const due: Due = { at: this.now + Math.max(0, delay), order: this.#order++, run };
    this.#heap.push(due);
    this.#rise(this.#heap.length - 1);
    return due;
  }

  cancel(due: Due): void {
    if (due.run === undefined) return;
    due.run = undefined;
    this.#cancelled++;
    if (this.#cancelled > 1_000 && this.#cancelled * 2 > this.#heap.length) this.#compact();
  }

  /** Lets time pass until `until`, or until `done` says so. */
  async run(until: number, done: () => boolean = () => false): Promise<void> {
    while (await this.#turns(until, done));
  }

  /**
   * Some turns of the platform's event loop at once: each takes what is due next, and between two of
   * them all promises settle. False: there was nothing left, or it is done.
   */
  #turns(until: number, done: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let over = false;
      const turn = (last: boolean) => {
        if (over) return;
        try {
          if (done() || !this.#step(until)) over = true;
        } catch (error) {
          over = true;
          reject(error);
        }
        if (over || last) setImmediate(() => resolve(!over));
      };
      for (let left = TURNS; left > 0; left--) setImmediate(turn, left === 1);
    });
  }

  #step(until: number): boolean {
    const due = this.#pop(until);
    if (!due) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.now = due.at;
    this.steps++;
    const run = due.run!;
    due.run = undefined;
    run();
    return true;
  }

  #pop(until: number): Due | undefined {
    for (let first = this.#heap[0]; first && first.at <= until; first = this.#heap[0]) {
      const last = this.#heap.pop()!;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink(0);
      }
      if (first.run) return first;
      this.#cancelled--;
    }
    return undefined;
  }

  #compact(): void {
    this.#heap = this.#heap.filter(({ run }) => run);
    this.#cancelled = 0;
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #rise(at: number): void {
    const heap = this.#heap;
    const due = heap[at]!;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(due, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = due;
  }

  #sink(at: number): void {
    const heap = this.#heap;
    const due = heap[at]!;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, due)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = due;
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
