/**
 * What a change of limits means for those who are here already. Pure.
 *
 * @module
 */
import type { NodeLimits } from "./node_limits.ts";

/** What is to be done, beside using the new numbers from now on. */
export type LimitEffect =
  /** Each peer is told how much it may send now. */
  | { type: "tell-rates" }
  /** The memory is looked at now: there is a ceiling, another one, or none any more. */
  | { type: "look-at-memory" };

/**
 * Nobody leaves because a number of sessions became smaller: what was granted stays, and the limit
 * is reached by not replacing those who leave.
 */
export function limitEffects(before: Readonly<NodeLimits>, after: Readonly<NodeLimits>): LimitEffect[] {
  const changed = (...names: (keyof NodeLimits)[]) => names.some((name) => before[name] !== after[name]);
  const effects: LimitEffect[] = [];
  if (changed("framesPerSecond", "frameBurst", "bytesPerSecond", "byteBurst")) {
    effects.push({ type: "tell-rates" });
  }
  if (changed("memory")) effects.push({ type: "look-at-memory" });
  return effects;
}
