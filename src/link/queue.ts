/** Items that wait for readers, and readers that wait for items: whoever comes later finds the other. */
export class Queue<T> {
  #items: { item: T; taken: (() => void) | undefined }[] = [];
  #head = 0;
  #readers: {
    owner: object;
    iterator: object;
    resolve: (result: IteratorResult<T, undefined>) => void;
  }[] = [];
  #ended = false;

  /** `taken` is called when a reader gets the item. */
  push(item: T, taken?: () => void): void {
    const reader = this.#readers.shift();
    if (!reader) return void this.#items.push({ item, taken });
    reader.resolve({ value: item, done: false });
    taken?.();
  }

  /** No more items come; those here are still read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  /** The readers of an owner, or of one iterator of it, wait no longer: no item goes to them. */
  leave(leaving: object): void {
    const left = this.#readers.filter(({ owner, iterator }) => owner === leaving || iterator === leaving);
    this.#readers = this.#readers.filter((reader) => !left.includes(reader));
    for (const reader of left) reader.resolve({ value: undefined, done: true });
  }

  next(owner: object, iterator: object): Promise<IteratorResult<T, undefined>> {
    if (this.#head < this.#items.length) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push({ owner, iterator, resolve }));
  }

  /** Amortised: shifting an array of a hundred thousand would cost its length each time. */
  #take(): T {
    const { item, taken } = this.#items[this.#head]!;
    this.#items[this.#head++] = NOTHING;
    taken?.();
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

const NOTHING = { item: undefined as never, taken: undefined };
