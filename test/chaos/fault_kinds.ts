/** The kinds of faults of a chaos run. */

/** Of a process or its packets: the usual run. */
export const FAULTS = ["kill", "freeze", "blackhole"] as const;
/** Of connections: these need proxies between all. */
export const WIRE_FAULTS = ["reset", "finish", "half-open", "slow"] as const;
/** Of the machine under a process. */
export const HOST_FAULTS = ["node-clock", "peer-clock", "disk", "memory", "descriptors"] as const;
/** Of the servers of NATS, where that is the fabric. */
export const NATS_FAULTS = ["nats-kill", "nats-freeze"] as const;
export type Fault = (typeof FAULTS | typeof WIRE_FAULTS | typeof HOST_FAULTS | typeof NATS_FAULTS)[number];
export const ALL_FAULTS: readonly Fault[] = [...FAULTS, ...WIRE_FAULTS, ...HOST_FAULTS];

/** Not a fault of one node among five, but a scene of its own. */
export const OVERLOAD = "overload";

export function isWireFault(fault: Fault): boolean {
  return (WIRE_FAULTS as readonly Fault[]).includes(fault);
}
