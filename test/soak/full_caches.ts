/**
 * What is bounded is filled before a soak begins, so that only what is not can grow: a process remembers the
 * last 16,384 keys that it found good, which takes an hour of lives to fill, and looks like a leak till then.
 *
 * @module
 */
import { Point } from "@noble/ed25519";
import { invalidKey } from "../../src/identity/key_check.ts";

/** More than are remembered. */
const KEYS = 16_500;

/** Shows so many good keys: the multiples of the base point, each of prime order. */
export function fillCaches(): void {
  for (let count = 0, point = Point.BASE; count < KEYS; count++, point = point.add(Point.BASE)) {
    const reason = invalidKey(point.toBytes());
    if (reason !== undefined) throw new Error(`multiple ${count} of the base point is no key: ${reason}`);
  }
}
