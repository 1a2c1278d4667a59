/**
 * How UDP fares from this machine, by the STUN servers there are.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import type { BindUdp } from "../rendezvous/stun_service.ts";
import { systemClock } from "../session/clock.ts";
import { parseAddress, sameAddress, sameIp, type TransportAddress } from "../stun/address.ts";
import { discover, type Discovery, type Probe } from "../stun/discovery.ts";
import { parseStunUrl } from "../stun/ice_url.ts";
import { type DatagramPort, type Retransmission, StunClient } from "../stun/transaction.ts";
import { addressesOf } from "./node_check.ts";

/** Sent at 0, 500 and 1500 ms, given up at 3.5 s: for somebody who waits at a terminal. */
export const PATIENCE: Retransmission = { rto: 500, rc: 3, rm: 4 };

/** `undefined`: nothing to ask in that family. */
export interface NatCheck {
  ipv4?: Discovery;
  ipv6?: Discovery;
}

/** Asks the servers of these `stun:` URLs, both families at once. */
export async function checkNat(
  urls: readonly string[],
  bind: BindUdp,
  timing: Retransmission = PATIENCE,
): Promise<NatCheck> {
  const servers = await resolveServers(urls);
  const [ipv4, ipv6] = await Promise.all(([4, 16] as const).map(async (size) => {
    const some = servers.filter(({ ip }) => ip.length === size);
    return some.length === 0 ? undefined : await checkFamily(some, bind, timing);
  }));
  return { ipv4, ipv6 };
}

/** A machine without the family's sockets cannot use UDP there, which is the answer. */
async function checkFamily(
  servers: TransportAddress[],
  bind: BindUdp,
  timing: Retransmission,
): Promise<Discovery> {
  try {
    return await discover(
      () => openProbe(servers[0]!.ip.length === 4 ? "0.0.0.0" : "::", bind),
      servers,
      timing,
    );
  } catch {
    return {
      udp: false,
      mapping: "unknown",
      filtering: "unknown",
      servers: servers.map((server) => ({ server })),
    };
  }
}

/** The addresses of all servers, each once. */
async function resolveServers(urls: readonly string[]): Promise<TransportAddress[]> {
  const hosts = urls.map(parseStunUrl).filter((host) => host !== undefined);
  const found = await Promise.all(hosts.map(async ({ host, port }) => {
    const addresses = await addressesOf(host);
    return addresses.map(({ address }) => parseAddress(address, port)).filter((one) => one !== undefined);
  }));
  const all = found.flat();
  return all.filter((one, i) => !all.slice(0, i).some((before) => sameAddress(before, one)));
}

async function openProbe(host: string, bind: BindUdp): Promise<Probe> {
  const port: DatagramPort = { receive() {}, send: (datagram, to) => socket.send(datagram, to) };
  const socket = await bind({ host, port: 0 }, (datagram, from) => port.receive(datagram, from));
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const own = ownAddresses();
  return {
    client: new StunClient(port, systemClock, random),
    isOwn: (mapped) => mapped.port === socket.port && own.some((one) => sameIp(one, mapped)),
    close: () => void socket.close(),
  };
}

function ownAddresses(): TransportAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return all.map(({ address }) => parseAddress(address, 0)).filter((one) => one !== undefined);
}
