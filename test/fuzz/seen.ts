/** Bits of the map, and values of the hash: at a hundred thousand texts one new one in 160 is taken for known. */
const BITS = 2 ** 24;

/**
 * Texts that were met before, as far as a hash tells. It takes no more memory the more it knows, so that growth of
 * the heap is that of what is tested.
 */
export class Seen {
  readonly #map: Uint8Array = new Uint8Array(BITS / 8);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it was new. */
  add(text: string): boolean {
    const hash = fnv1a(text);
    const [at, bit] = [hash >>> 3, 1 << (hash & 7)];
    if (this.#map[at]! & bit) return false;
    this.#map[at]! |= bit;
    this.#size++;
    return true;
  }
}

/** FNV-1a (Fowler, Noll, Vo; RFC 9923) of UTF-16 units, mixed once more, of which 24 bits are kept. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 8;
}
