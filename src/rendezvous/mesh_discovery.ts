/**
 * How a node finds others: its list, a domain, and the nodes it met before.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import { Places } from "../mesh/places.ts";
import { Remembered } from "../mesh/remembered.ts";
import type { Clock } from "../session/clock.ts";
import { type DnsStatus, MeshDns } from "./mesh_dns.ts";
import type { MeshCounts, MeshMemory, MeshOptions, Resolver } from "./mesh_options.ts";
import type { NodeLink } from "./node_link.ts";

export interface DiscoveryStatus {
  /** What the domain said, if one was named. */
  dns?: DnsStatus;
  /** URLs known to begin with, by who named them. */
  places: Record<string, number>;
}

export interface MeshDiscoveryOptions {
  options: MeshOptions;
  network: string;
  resolve?: ((server?: string) => Resolver) | undefined;
  clock: Clock;
  random: () => number;
  counts: MeshCounts;
  /** Nodes with a session. */
  links: () => Iterable<NodeLink>;
  log: Logger;
}

export class MeshDiscovery {
  readonly places: Places;
  readonly #o: MeshDiscoveryOptions;
  readonly #remembered = new Remembered();
  readonly #resolver: Resolver | undefined;
  #dns: MeshDns | undefined;
  /** Undefined: nothing is kept, or not before it was read. */
  #memory: MeshMemory | undefined;
  #written = "";
  #writing: Promise<void> = Promise.resolve();

  /** @throws {TypeError} when a domain is to be asked and there is nobody who asks. */
  constructor(o: MeshDiscoveryOptions) {
    const { join = [], fixed, discover, dnsServer } = o.options;
    if (discover !== undefined && !o.resolve) {
      throw new TypeError("to `discover` a node asks a name server: pass `resolve`, as `serve` does");
    }
    this.#o = o;
    this.#resolver = discover === undefined ? undefined : o.resolve!(dnsServer);
    this.places = new Places({ list: join, fixed });
  }

  get status(): DiscoveryStatus {
    const places: Record<string, number> = {};
    for (const { source } of this.places) places[source] = (places[source] ?? 0) + 1;
    return { ...this.#dns && { dns: this.#dns.status }, places };
  }

  begin(): void {
    const { options: { discover: domain, memory }, clock, random, counts, links } = this.#o;
    if (memory) void this.#recall(memory);
    const resolver = this.#resolver;
    if (domain === undefined || !resolver) return;
    this.#dns = new MeshDns({
      domain,
      resolver,
      clock,
      random,
      alone: () => links()[Symbol.iterator]().next().done === true,
      found: (spots) => this.places.learn("dns", spots),
      malformed: (count) => counts.refused("bad-dns-record", count),
    });
  }

  /** To be called now and then: notes who is here. */
  note(): void {
    const now = this.#o.clock.wall();
    for (const { remote, urls } of this.#o.links()) this.#remembered.saw(remote, urls, now);
    this.places.learn("remembered", this.#remembered.spots(now));
    void this.#keep();
  }

  end(): void {
    this.note();
    this.#dns?.stop();
  }

  /** Whatever is there and cannot be used is left alone or set aside, and said. */
  async #recall(memory: MeshMemory): Promise<void> {
    const { clock, log, network } = this.#o;
    const warn = (why: string, what: string) =>
      log.warning("the remembered nodes cannot be used: {why}; {what}", { why, what });
    try {
      const text = await memory.read();
      const problem = text === undefined ? undefined : this.#remembered.read(text, network, clock.wall());
      if (problem !== undefined) warn(problem, `the file is kept as ${await memory.setAside()}`);
      this.#memory = memory;
      this.places.learn("remembered", this.#remembered.spots(clock.wall()));
    } catch (error) {
      warn((error as Error).message, "none are kept in this run");
    }
  }

  #keep(): Promise<void> {
    const text = this.#remembered.text(this.#o.network);
    if (!this.#memory || text === this.#written) return this.#writing;
    this.#written = text;
    const write = async () => {
      await this.#memory!.write(text).catch((error: Error) => {
        this.#o.log.warning("the nodes met cannot be remembered: {why}", { why: error.message });
        this.#written = ""; // tried again when they are noted next
      });
    };
    return this.#writing = this.#writing.then(write);
  }
}
