import type { Logger } from "@logtape/logtape";
import type { Identity } from "../identity/identity.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { Attempts } from "./attempts.ts";
import type { Fabric } from "./fabric.ts";
import type { Host } from "./guest.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Rates } from "./rates.ts";
import { Records } from "./records.ts";
import type { Registry, Seat } from "./registry.ts";
import { Relay } from "./relay.ts";

/** What the services for guests are made of. */
export interface HostParts extends Pick<Host, "attendance" | "arrived" | "nodeArrived" | "departed"> {
  identity: Identity;
  network: string;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  rates: Rates;
  clock: Clock;
  random: (length: number) => Uint8Array;
  log: Logger;
  fabric: Fabric | undefined;
}

/** What a node does for its guests. */
export function hostOf(parts: HostParts): Host {
  const { registry, limits, metrics, clock, fabric, attendance, log } = parts;
  const node = parts.identity.publicKey;
  const refused = (seat: Seat, reason: string) =>
    log.debug("kept no record of {peer}: {reason}", { peer: peerIdText(seat.key), reason });
  const { arrived, nodeArrived, departed } = parts;
  return {
    ...{ metrics, attendance, arrived, nodeArrived, departed },
    elsewhere: fabric?.control?.bind(fabric),
    relay: new Relay(registry, limits, metrics, parts.rates, fabric?.forwarding),
    records: new Records({
      ...parts,
      node,
      refused,
      kept: (seat, record, signed) => attendance.kept(seat, record, signed),
      elsewhere: (peer, asker) => fabric?.forwarding.lookup(peer, asker),
    }),
    attempts: new Attempts({ node, registry, limits, metrics, clock, random: parts.random, ways: fabric }),
  };
}
