import { type NodeLimits, readLimits } from "./node_limits.ts";

/** The limits that hold for one peer's data. */
export type DataRates = Pick<NodeLimits, "framesPerSecond" | "frameBurst" | "bytesPerSecond" | "byteBurst">;

/** What an access token or the operator's program grants one peer: never more than the node's own limits. */
export type Quotas = Partial<DataRates>;

const NAMES: readonly string[] = ["framesPerSecond", "frameBurst", "bytesPerSecond", "byteBurst"];

/**
 * Quotas as a token or an answer carries them.
 *
 * @throws {RangeError} for what is none of them, or out of the bounds of {@link NodeLimits}.
 */
export function readQuotas(value: unknown): Quotas {
  const quotas = readLimits(value);
  const other = Object.keys(quotas).find((name) => !NAMES.includes(name));
  if (other !== undefined) throw new RangeError(`"${other}" is no quota; there are: ${NAMES.join(", ")}`);
  return quotas;
}

/** The lower of the node's limits and the peer's quotas. */
export function ratesOf(limits: DataRates, quotas: Quotas = {}): DataRates {
  const least = (name: keyof DataRates) => Math.min(limits[name], quotas[name] ?? Infinity);
  return {
    framesPerSecond: least("framesPerSecond"),
    frameBurst: least("frameBurst"),
    bytesPerSecond: least("bytesPerSecond"),
    byteBurst: least("byteBurst"),
  };
}
