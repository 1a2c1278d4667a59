/**
 * Finds out how the NAT before this machine behaves (RFC 5780 §4), with the STUN servers there are.
 *
 * @module
 */
import { sameAddress, sameIp, type TransportAddress } from "./address.ts";
import {
  type ChangeOutcome,
  type Filtering,
  filteringOf,
  type Mapping,
  mappingOf,
  type Observation,
} from "./behaviour.ts";
import type { Exchange, Retransmission, StunClient } from "./transaction.ts";
import type { Change } from "./values.ts";

/** A fresh UDP socket with a STUN client on it. */
export interface Probe {
  readonly client: StunClient;
  /** Whether an address is this socket's own: then no NAT is between. */
  isOwn(mapped: TransportAddress): boolean;
  close(): void;
}

/** What one server said. */
export interface ServerReport {
  readonly server: TransportAddress;
  /** `undefined`: it did not answer, or refused. */
  readonly mapped?: TransportAddress;
  /** Milliseconds. */
  readonly rtt?: number;
}

/** What was found out through the servers of one address family. */
export interface Discovery {
  /** Whether any server answered. */
  readonly udp: boolean;
  readonly mapping: Mapping;
  readonly filtering: Filtering;
  readonly servers: readonly ServerReport[];
}

/**
 * Asks each server, and what they name as their other addresses, from one socket; then
 * tests the filter from another.
 *
 * `servers` MUST be of one address family. `open` is called twice at most.
 */
export async function discover(
  open: () => Promise<Probe>,
  servers: readonly TransportAddress[],
  timing?: Retransmission,
): Promise<Discovery> {
  const { reports, mapping, answered } = await withProbe(
    open,
    (probe) => discoverMapping(probe, servers, timing),
  );
  const tester = answered.find(({ other }) => other !== undefined) ?? answered[0];
  const filtering = tester === undefined
    ? "unknown"
    : await withProbe(open, (probe) => discoverFiltering(probe, tester.server, timing));
  return { udp: tester !== undefined, mapping, filtering, servers: reports };
}

async function withProbe<T>(open: () => Promise<Probe>, use: (probe: Probe) => Promise<T>): Promise<T> {
  const probe = await open();
  try {
    return await use(probe);
  } finally {
    probe.close();
  }
}

/** A server that answered, and the other address it named. */
interface Answered extends Observation {
  readonly other?: TransportAddress;
}

interface MappingFound {
  reports: ServerReport[];
  mapping: Mapping;
  /** Those beyond the NAT, if there are any. */
  answered: Answered[];
}

async function discoverMapping(
  { client, isOwn }: Probe,
  servers: readonly TransportAddress[],
  timing?: Retransmission,
): Promise<MappingFound> {
  const ask = (some: readonly TransportAddress[]) =>
    Promise.all(some.map(async (server) => ({ server, exchange: await client.ask(server, { timing }) })));
  const first = await ask(servers);
  const others = first.flatMap(({ server, exchange }) => otherAddresses(server, exchange));
  const more = await ask(unknownTo(servers, others));
  const all = [...first, ...more];
  const answered = all.flatMap(({ server, exchange }) =>
    exchange?.type === "mapped" ? [{ server, mapped: exchange.mapped, other: exchange.other }] : []
  );
  const beyond = answered.filter(({ mapped }) => !isOwn(mapped));
  return {
    reports: all.map(reportOf),
    mapping: mappingOf(answered, isOwn),
    answered: beyond.length > 0 ? beyond : answered,
  };
}

function reportOf(
  { server, exchange }: { server: TransportAddress; exchange: Exchange | undefined },
): ServerReport {
  return exchange?.type === "mapped" ? { server, mapped: exchange.mapped, rtt: exchange.rtt } : { server };
}

/** The other address at the first port, and at the other port: tests II and III of RFC 5780 §4.3. */
function otherAddresses(server: TransportAddress, exchange: Exchange | undefined): TransportAddress[] {
  const other = exchange?.type === "mapped" ? exchange.other : undefined;
  if (other === undefined || other.port === 0 || other.ip.length !== server.ip.length) return [];
  return sameIp(other, server) ? [other] : [{ ip: other.ip, port: server.port }, other];
}

/** Most addresses that servers may add to what was asked for: a hostile one cannot make this machine a scanner. */
const MAX_OTHERS = 4;

function unknownTo(known: readonly TransportAddress[], found: TransportAddress[]): TransportAddress[] {
  const fresh = found.filter((one, i) =>
    ![...known, ...found.slice(0, i)].some((before) => sameAddress(before, one))
  );
  return fresh.slice(0, MAX_OTHERS);
}

/** On a socket that has sent to nobody else: otherwise its filter would be open already. */
async function discoverFiltering(
  { client }: Probe,
  server: TransportAddress,
  timing?: Retransmission,
): Promise<Filtering> {
  const opened = await client.ask(server, { timing });
  if (opened?.type !== "mapped") return "unknown";
  const attempt = async (change: Change) =>
    outcomeOf(await client.ask(server, { change, timing }), server, change);
  const both = await attempt({ ip: true, port: true });
  const port = both === "answered" ? both : await attempt({ ip: false, port: true });
  return filteringOf({ both, port });
}

/** Some servers ignore the wish and answer from where they were asked: that says nothing about the filter. */
function outcomeOf(exchange: Exchange | undefined, server: TransportAddress, wish: Change): ChangeOutcome {
  if (exchange === undefined) return "silent";
  if (exchange.type === "refused") return "not-offered";
  const { from } = exchange;
  const granted = sameIp(from, server) !== wish.ip && (from.port === server.port) !== wish.port;
  return granted ? "answered" : "not-offered";
}
