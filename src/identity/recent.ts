interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  newer: Entry<Value> | undefined;
  older: Entry<Value> | undefined;
}

/**
 * The latest so many of more, in a list beside the `Map`: to find the oldest in the order of a `Map`, JavaScriptCore
 * walks over all that were deleted before, which took 60 µs at 16,384 keys. Once it is full it holds the same for
 * ever: what is thrown away by the generation fills for an hour, and looks like a leak till then.
 */
export class Recent<Value> {
  readonly #most: number;
  readonly #entries = new Map<string, Entry<Value>>();
  #newest: Entry<Value> | undefined;
  #oldest: Entry<Value> | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What will make room for the next one once all places are taken. */
  get oldest(): Value | undefined {
    return this.#oldest?.value;
  }

  /** What was set; it is now the latest. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.value;
  }

  /** The oldest makes room. */
  set(key: string, value: Value): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#unlink(before);
    else if (this.#entries.size >= this.#most) {
      this.#entries.delete(this.#oldest!.key);
      this.#unlink(this.#oldest!);
    }
    const entry = { key, value, newer: undefined, older: undefined };
    this.#entries.set(key, entry);
    this.#link(entry);
  }

  #link(entry: Entry<Value>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink({ newer, older }: Entry<Value>): void {
    if (newer) newer.older = older;
    else this.#newest = older;
    if (older) older.newer = newer;
    else this.#oldest = newer;
  }
}
