/** Bytes fetched at once: each call into the platform costs microseconds, whatever its size. */
const POOL = 4_096;
let pool = new Uint8Array(0);
let used = 0;

/** Bytes from the platform's cryptographic source, each given out once. */
export function pooledRandom(size: number): Uint8Array {
  if (size > POOL) throw new RangeError(`at most ${POOL} random bytes at once, not ${size}`);
  if (used + size > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL));
    used = 0;
  }
  const bytes = pool.slice(used, used + size);
  pool.fill(0, used, used + size); // what was given out, maybe a key, does not stay here
  used += size;
  return bytes;
}
