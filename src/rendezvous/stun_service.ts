/**
 * The node's STUN server on its sockets: each address with each port.
 *
 * @module
 */
import { parseAddress, type TransportAddress } from "../stun/address.ts";
import type { Site } from "../stun/answer.ts";
import { type StunCounts, StunServer } from "../stun/server.ts";

/** One UDP socket. */
export interface UdpSocket {
  readonly port: number;
  /** MUST NOT throw; calls `failed` when the system did not take the datagram. */
  send(datagram: Uint8Array, to: TransportAddress, failed?: () => void): void;
  close(): Promise<void>;
}

/**
 * Binds a UDP socket; an IPv6 one for IPv6 alone. MUST reject with the runtime's own error, and MUST survive
 * errors that strangers cause (ICMP). `received` MUST NOT be called before the promise is settled.
 */
export type BindUdp = (
  at: { host: string; port: number },
  received: (datagram: Uint8Array, source: TransportAddress) => void,
) => Promise<UdpSocket>;

/** A STUN server that answers. */
export interface StunService {
  readonly ports: readonly number[];
  readonly counts: StunCounts;
  close(): Promise<void>;
}

/**
 * Serves STUN at one or two ports of these addresses; port 0: any free one. Two addresses of one family that
 * other machines reach make a whole server of RFC 5780.
 *
 * @throws whatever binding throws; no socket stays open then.
 */
export async function serveStun(
  { hosts, ports, now }: { hosts: readonly string[]; ports: readonly number[]; now: () => number },
  bind: BindUdp,
): Promise<StunService> {
  const server = new StunServer(now);
  const sockets: UdpSocket[] = [];
  const chosen = [...ports];
  const close = async () => {
    await Promise.all(sockets.splice(0).map((socket) => socket.close()));
  };
  try {
    for (const group of sitesOf(hosts)) sockets.push(...await bindSite(server, group, chosen, bind));
  } catch (error) {
    await close();
    throw error;
  }
  return { ports: chosen, counts: server.counts, close };
}

/** Addresses of one family and one reach, two and two: to tell a remote client of a loopback address is useless. */
function sitesOf(hosts: readonly string[]): string[][] {
  const families = hosts.flatMap((host) =>
    host === "::" ? ["0.0.0.0", "::"] : host === "" ? ["0.0.0.0"] : [host]
  );
  const groups = new Map<string, string[][]>();
  for (const host of new Set(families)) {
    const kind = `${host.includes(":")} ${/^(127\.|::1$|localhost$)/.test(host)}`;
    const sites = groups.get(kind) ?? [];
    const last = sites.at(-1);
    if (last?.length === 1) last.push(host);
    else sites.push([host]);
    groups.set(kind, sites);
  }
  return [...groups.values()].flat();
}

/** Fills in `ports` what was 0, so that all addresses have the same. */
async function bindSite(
  server: StunServer,
  hosts: readonly string[],
  ports: number[],
  bind: BindUdp,
): Promise<UdpSocket[]> {
  const site = { addresses: hosts.map(ownAddress), ports } satisfies Site;
  const rows: UdpSocket[][] = [];
  const bound = () => rows.flat();
  try {
    for (const [address, host] of hosts.entries()) {
      const row: UdpSocket[] = [];
      rows.push(row);
      for (const [port, number] of ports.entries()) {
        const socket = await bind({ host, port: number }, (datagram, source) => {
          const answer = server.receive(datagram, { source, site, spot: { address, port } });
          if (answer === undefined) return;
          const from = rows[answer.from.address]?.[answer.from.port];
          from?.send(answer.bytes, source, () => void server.counts.sendErrors++);
        });
        row.push(socket);
        ports[port] = socket.port;
      }
    }
    return bound();
  } catch (error) {
    await Promise.all(bound().map((socket) => socket.close()));
    throw error;
  }
}

/** A wildcard stands for addresses that are not known. */
function ownAddress(host: string): Uint8Array | undefined {
  const ip = parseAddress(host, 0)?.ip;
  return ip?.some((byte) => byte !== 0) ? ip : undefined;
}
