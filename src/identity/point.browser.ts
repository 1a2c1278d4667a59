import { ladder } from "./curve25519.ts";
import { hasPrimeOrder, PRIME_ORDER_SCALAR } from "./prime_order.ts";

const { scalarMult } = /* @__PURE__ */ ladder((scalar) => scalar);

/**
 * The check of `point.ts` on the curve that links need anyway, with one reason for all: a third of the
 * bytes that Edwards curves cost a page.
 */
export function strayPoint(key: Uint8Array): string | undefined {
  const good = hasPrimeOrder(key, (u) => scalarMult(PRIME_ORDER_SCALAR, u));
  return good ? undefined : "no point of prime order has this encoding";
}
