/**
 * What a NAT does with mappings and with what comes in, in the terms of RFC 4787 and RFC 5780,
 * as far as what was observed can tell. Pure.
 *
 * @module
 */
import { sameAddress, sameIp, type TransportAddress } from "./address.ts";

/** One server's answer to one socket. All observations together are of the same socket. */
export interface Observation {
  readonly server: TransportAddress;
  readonly mapped: TransportAddress;
}

/**
 * How the outer address of a socket depends on whom it sends to (RFC 4787 §4.1).
 *
 * Two ports of one address cannot tell whether other addresses see the same mapping:
 * `port-independent`. Two addresses that see different mappings cannot tell whether a port alone
 * would have sufficed: `endpoint-dependent`.
 */
export type Mapping =
  | "no-nat"
  | "endpoint-independent"
  | "port-independent"
  | "address-dependent"
  | "address-and-port-dependent"
  | "endpoint-dependent"
  | "unknown";

/**
 * The mapping that these observations show. `isOwn`: whether this is the socket's own address; a server that
 * sees it stands on this side of the NAT (in the same LAN) and says nothing of it.
 */
export function mappingOf(
  observations: readonly Observation[],
  isOwn: (mapped: TransportAddress) => boolean,
): Mapping {
  const beyond = observations.filter(({ mapped }) => !isOwn(mapped));
  if (beyond.length === 0) return observations.length > 0 ? "no-nat" : "unknown";
  const pairs = pairsOf(beyond);
  const ports = verdict(pairs.filter(([a, b]) => sameIp(a.server, b.server)));
  const addresses = verdict(pairs.filter(([a, b]) => !sameIp(a.server, b.server)));
  if (ports === "differs") return "address-and-port-dependent";
  if (addresses === "same") return "endpoint-independent";
  if (addresses === "differs") return ports === "same" ? "address-dependent" : "endpoint-dependent";
  return ports === "same" ? "port-independent" : "unknown";
}

/** Pairs of observations by different servers. */
function pairsOf(all: readonly Observation[]): [Observation, Observation][] {
  return all.flatMap((a, i) =>
    all.slice(i + 1).filter((b) => !sameAddress(a.server, b.server)).map((
      b,
    ): [Observation, Observation] => [a, b])
  );
}

function verdict(pairs: [Observation, Observation][]): "same" | "differs" | undefined {
  if (pairs.length === 0) return undefined;
  return pairs.every(([a, b]) => sameAddress(a.mapped, b.mapped)) ? "same" : "differs";
}

/**
 * Whose datagrams come in through a mapping (RFC 4787 §5). `not-port-dependent`: another port
 * of an address that was sent to gets in; other addresses were not tried.
 */
export type Filtering =
  | "endpoint-independent"
  | "not-port-dependent"
  | "address-dependent"
  | "address-and-port-dependent"
  | "unknown";

/** What came of asking for an answer from elsewhere (RFC 5780 §4.4). */
export type ChangeOutcome = "answered" | "silent" | "not-offered";

/** `both`: from another address and port; `port`: from another port of the same address. */
export function filteringOf({ both, port }: { both: ChangeOutcome; port: ChangeOutcome }): Filtering {
  if (both === "answered") return "endpoint-independent";
  if (port === "answered") return both === "silent" ? "address-dependent" : "not-port-dependent";
  return port === "silent" ? "address-and-port-dependent" : "unknown";
}

/** What peers may expect of direct paths. */
export type Outlook = "any-peer" | "most-peers" | "open-peers-only" | "relay-only" | "unknown";

/** What was found out about one address family. */
export interface NatBehaviour {
  /** Whether any STUN server answered. */
  readonly udp: boolean;
  readonly mapping: Mapping;
  readonly filtering: Filtering;
}

/**
 * A path opens when the packets that both sides send meet mappings that the other side foresaw
 * (RFC 5128 §3.3): a mapping that depends on the endpoint is foreseen by nobody, so only a peer that lets
 * everybody in can be reached through it.
 */
export function outlookOf({ udp, mapping, filtering }: NatBehaviour): Outlook {
  if (!udp) return "relay-only";
  switch (mapping) {
    case "no-nat":
      return filtering === "endpoint-independent" ? "any-peer" : "most-peers";
    case "endpoint-independent":
      return filtering === "endpoint-independent" ? "any-peer" : "most-peers";
    case "port-independent":
      return "most-peers";
    case "address-dependent":
    case "address-and-port-dependent":
    case "endpoint-dependent":
      return "open-peers-only";
    case "unknown":
      return "unknown";
  }
}
