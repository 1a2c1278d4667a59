import type { Identity } from "../identity/identity.ts";
import type { Clock } from "../session/clock.ts";
import { leftOf } from "../wire/record.ts";
import { Attempts } from "./attempts.ts";
import type { Fabric } from "./fabric.ts";
import type { Host } from "./guest.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Rates } from "./rates.ts";
import { Records } from "./records.ts";
import type { Registry } from "./registry.ts";
import { Relay } from "./relay.ts";
import type { Tracing } from "./tracing.ts";

/** What the services for guests are made of. */
export interface HostParts extends Pick<Host, "attendance" | "arrived" | "nodeArrived" | "departed"> {
  identity: Identity;
  network: string;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  rates: Rates;
  clock: Clock;
  tracing: Tracing;
  random: (length: number) => Uint8Array;
  fabric: Fabric | undefined;
}

/** What a node does for its guests. */
export function hostOf(parts: HostParts): Host {
  const { registry, limits, metrics, clock, fabric, attendance, tracing } = parts;
  const node = parts.identity.publicKey;
  const { arrived, nodeArrived, departed } = parts;
  return {
    ...{ metrics, attendance, arrived, nodeArrived, departed },
    elsewhere: fabric?.control?.bind(fabric),
    relay: new Relay({ ...parts, beyond: fabric?.forwarding }),
    records: new Records({
      ...parts,
      node,
      kept: (seat, record, signed) => attendance.kept(seat, record, signed),
      hurry: () => fabric?.peers.tell?.(),
      listed: (peer) => {
        const place = fabric?.peers.presence.find(peer);
        return place && { ...place.signed, left: leftOf(place.until, clock.wall()) };
      },
      elsewhere: (peer, asker) => fabric?.forwarding.lookup(peer, asker),
    }),
    attempts: new Attempts({
      node,
      registry,
      limits,
      metrics,
      clock,
      tracing,
      random: parts.random,
      ways: fabric,
    }),
  };
}
