/** A simulated network: STUN servers, and hosts behind NATs of every kind (RFC 4787), on a virtual clock. */
import { addressText, ipText, parseAddress, type TransportAddress } from "../../src/stun/address.ts";
import type { Site, Spot } from "../../src/stun/answer.ts";
import type { Probe } from "../../src/stun/discovery.ts";
import { StunServer } from "../../src/stun/server.ts";
import { type DatagramPort, StunClient } from "../../src/stun/transaction.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

/** On what of the remote endpoint something depends. */
export type Dependence = "nothing" | "address" | "address-and-port";

export interface NatKind {
  /** `undefined`: no translation. */
  mapping?: Dependence;
  /** `undefined`: everything comes in. */
  filtering?: Dependence;
  /** Nothing comes through at all. */
  blocked?: boolean;
}

const DELAY = 20; // milliseconds, one way

export class NatWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #nat: NatKind;
  readonly #servers = new Map<string, (datagram: Uint8Array, source: TransportAddress) => void>();
  /** Inner address and what the mapping depends on → outer port. */
  readonly #mappings = new Map<string, number>();
  /** Outer port → its socket and whom it has sent to. */
  readonly #outer = new Map<number, { port: DatagramPort; sentTo: Set<string> }>();
  #nextPort = 20_000;
  #nextLocal = 5_000;
  #nextId = 1;
  /** Datagrams that are lost, by their number from 1. */
  lost: Set<number> = new Set();
  sent = 0;

  constructor(nat: NatKind) {
    this.#nat = nat;
  }

  /** A server at each of these addresses with each of these ports; returns the first socket's address. */
  serve(addresses: string[], ports: number[]): TransportAddress {
    const server = new StunServer(() => this.clock.now());
    const site: Site = { addresses: addresses.map((text) => parseAddress(text, 0)!.ip), ports };
    const at = (spot: Spot) => ({ ip: site.addresses[spot.address]!, port: ports[spot.port]! });
    for (let address = 0; address < addresses.length; address++) {
      for (let port = 0; port < ports.length; port++) {
        const spot = { address, port };
        this.#servers.set(addressText(at(spot)), (datagram, source) => {
          const answer = server.receive(datagram, { source, site, spot });
          if (answer) this.#inwards(answer.bytes, at(answer.from), source.port);
        });
      }
    }
    return at({ address: 0, port: 0 });
  }

  /** Opens a socket on the host behind the NAT. */
  open(): Promise<Probe> {
    const local = this.#nextLocal++;
    const port: DatagramPort = {
      receive() {},
      send: (datagram, to) => this.#outwards(datagram, local, to, port),
    };
    const random = (length: number) => {
      const bytes = new Uint8Array(length);
      new DataView(bytes.buffer).setUint32(0, this.#nextId++);
      return bytes;
    };
    const isOwn = (mapped: TransportAddress) => this.#nat.mapping === undefined && mapped.port === local;
    return Promise.resolve({ client: new StunClient(port, this.clock, random), isOwn, close() {} });
  }

  #outwards(datagram: Uint8Array, local: number, to: TransportAddress, port: DatagramPort): void {
    if (this.#nat.blocked || this.lost.has(++this.sent)) return;
    const outer = this.#mapped(local, to);
    const entry = this.#outer.get(outer) ?? { port, sentTo: new Set() };
    this.#outer.set(outer, entry);
    entry.sentTo.add(endpoint(to, "address-and-port")).add(endpoint(to, "address"));
    const source = parseAddress("198.51.100.7", outer)!;
    this.clock.after(DELAY, () => this.#servers.get(addressText(to))?.(datagram, source));
  }

  #mapped(local: number, to: TransportAddress): number {
    const { mapping } = this.#nat;
    if (mapping === undefined) return local;
    const key = `${local} ${endpoint(to, mapping)}`;
    const known = this.#mappings.get(key);
    if (known === undefined) this.#mappings.set(key, this.#nextPort);
    return known ?? this.#nextPort++;
  }

  #inwards(datagram: Uint8Array, from: TransportAddress, outer: number): void {
    this.clock.after(DELAY, () => {
      const entry = this.#outer.get(outer);
      const { filtering } = this.#nat;
      const open = filtering === undefined || filtering === "nothing" ||
        entry?.sentTo.has(endpoint(from, filtering));
      if (open) entry?.port.receive(datagram, from);
    });
  }
}

function endpoint(address: TransportAddress, dependence: Dependence): string {
  if (dependence === "nothing") return "any";
  return dependence === "address" ? ipText(address) : addressText(address);
}
