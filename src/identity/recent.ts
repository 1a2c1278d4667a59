/**
 * The latest of many: at least so many keys are remembered, and at most twice as many. Two generations, because to
 * forget one by one, the oldest first, is slow in a `Map`: JavaScriptCore walks over all that were deleted before,
 * which took 60 µs at 16,384 keys.
 */
export class Recent<Value> {
  readonly #least: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(least: number) {
    this.#least = least;
  }

  /** What was set; it is now among the latest. */
  get(key: string): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const before = this.#old.get(key);
    if (before !== undefined) this.set(key, before);
    return before;
  }

  set(key: string, value: Value): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#least) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
