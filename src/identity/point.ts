import { ed25519 } from "@noble/curves/ed25519.js";
import { nativeLadder } from "./native.ts";
import { hasPrimeOrder, type Ladder, PRIME_ORDER_SCALAR } from "./prime_order.ts";

/** By X25519 of the runtime; `undefined` where it has none or a wrong one. */
const ladder: Ladder | undefined = probed(() => nativeLadder(PRIME_ORDER_SCALAR));

/**
 * Why these 32 bytes are no point of prime order on edwards25519 (RFC 8032 §5.1), or `undefined` if
 * they are. y MUST be below p. µs for a good key, by the runtime's X25519 and without it: Node 90 / 900,
 * Bun 55 / 260, Deno 105 / 330.
 *
 * Bundles for browsers get `point.browser.ts` through the package's `browser` field.
 */
export function strayPoint(key: Uint8Array): string | undefined {
  return flawOf(key, ladder);
}

/** {@link strayPoint} with that ladder; without one by the curve itself. */
export function flawOf(key: Uint8Array, ladder: Ladder | undefined): string | undefined {
  if (ladder !== undefined && hasPrimeOrder(key, ladder)) return undefined;
  // `true`: the identity with the sign of x set is decoded too, and named for what it is.
  const point = unlessThrown(() => ed25519.Point.fromBytes(key, true));
  if (point === undefined) return "no point of the curve has this encoding";
  if (point.isSmallOrder()) return "the point has small order";
  return ladder === undefined && point.isTorsionFree() ? undefined : STRAY;
}

const STRAY = "the point is outside the prime-order subgroup";

function unlessThrown<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** Asks it about the base point, y = 4/5, and about the same with the point of order 2 added, y = −4/5. */
function probed(native: () => Ladder | undefined): Ladder | undefined {
  const base = new Uint8Array(32).fill(0x66).fill(0x58, 0, 1);
  const mixed = new Uint8Array(32).fill(0x99).fill(0x95, 0, 1).fill(0x19, 31);
  const found = unlessThrown(native);
  return found && hasPrimeOrder(base, found) && !hasPrimeOrder(mixed, found) ? found : undefined;
}
