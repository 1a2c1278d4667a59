/** A queue whose head leaves in constant time: shifting an array of thousands costs its length each time. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The item `index` places behind the head. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head++];
    this.#compact();
    return item;
  }

  /** Takes up to `count` items off the head. */
  drop(count: number): T[] {
    const gone = this.#items.slice(this.#head, this.#head + count);
    this.#head += gone.length;
    this.#compact();
    return gone;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at]!;
  }

  /** Amortised: what is copied is never more than what was dropped. */
  #compact(): void {
    if (this.#head === this.#items.length) this.#items.length = 0;
    else if (this.#head * 2 < this.#items.length + 64) return;
    else this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
