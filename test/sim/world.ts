/** Nodes and peers of one run: the real code in processes that can be frozen, killed and started again. */
import { substituteEd25519 } from "../../src/identity/ed25519.ts";
import type { Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { substituteCiphers } from "../../src/link/aead.ts";
import { substituteDh } from "../../src/link/dh.ts";
import { Peer } from "../../src/peer/peer.ts";
import type { Platform } from "../../src/peer/platform.ts";
import { RendezvousNode } from "../../src/rendezvous/node.ts";
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";
import { Dice } from "./dice.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { StandIn } from "./stand_in.ts";
import { standInChaCha, standInDh } from "./stand_in_link.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";

export const TOKEN = "a token of this network";
/** Identities are the same in every run, so their keys are made once; each run deals them anew. */
const POOL = 512;

export interface Station {
  readonly number: number;
  readonly url: string;
  readonly identity: Identity;
  readonly place: readonly [number, number];
  skew: number;
  machine: Machine;
  node: RendezvousNode;
  starts: number;
}

export interface WorldOptions {
  seed: number;
  nodes: number;
  /** Milliseconds across the map on which processes stand. */
  breadth: number;
  /** Sessions that a node keeps with others. */
  target?: number;
}

export class World {
  readonly dice: Dice;
  readonly timeline: Timeline = new Timeline();
  readonly trace: Trace = new Trace(this.timeline);
  readonly network: Network;
  readonly keys: StandIn;
  readonly stations: Station[] = [];
  readonly byId: Map<PeerId, Station> = new Map();
  /** Changes of presence that nodes wrote which were killed. */
  written = 0;
  readonly #byUrl = new Map<string, Station>();
  readonly #options: WorldOptions;
  readonly #deal: number;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.dice = new Dice(options.seed);
    this.network = new Network(this.timeline, this.dice.fork(), this.trace);
    this.keys = new StandIn(this.timeline, this.dice.fork());
    this.#deal = this.dice.roll(POOL);
    this.trace.isNode = (name) => name.startsWith("n");
    substituteEd25519(this.keys);
    substituteDh(standInDh);
    substituteCiphers(standInChaCha);
    const numbers = Array.from({ length: options.nodes }, (_, i) => i);
    for (const number of numbers) this.#build(number);
    for (const station of this.stations) this.boot(station);
  }

  /** Gives the platform's cryptography back. */
  end(): void {
    substituteEd25519(undefined);
    substituteDh(undefined);
    substituteCiphers(undefined);
  }

  get now(): number {
    return this.timeline.now;
  }

  async pass(ms: number): Promise<void> {
    await this.timeline.run(this.now + ms);
  }

  /** False when it did not come true within `limit` virtual milliseconds, looked at in every `pause`. */
  async until(condition: () => boolean, limit: number, pause: number = 25): Promise<boolean> {
    const end = this.now + limit;
    while (!condition()) {
      if (this.now >= end) return false;
      await this.pass(pause);
    }
    return true;
  }

  identity(number: number): Identity {
    return this.keys.identity(number < POOL ? (number + this.#deal) % POOL : number);
  }

  somewhere(): readonly [number, number] {
    const { breadth } = this.#options;
    return [this.dice.fraction() * breadth, this.dice.fraction() * breadth];
  }

  /** Nodes whose processes run. */
  get running(): Station[] {
    return this.stations.filter(({ machine }) => machine.state === "running");
  }

  boot(station: Station): void {
    const dice = this.dice.fork();
    const random = (size: number) => dice.bytes(size);
    const machine = new Machine(`n${station.number}`, this.timeline, station.place, station.skew);
    station.machine = machine;
    station.starts++;
    const others = this.stations.filter((other) => other !== station);
    station.node = new RendezvousNode({
      identity: station.identity,
      access: { kind: "open" },
      hosts: "any",
      clock: machine.clock,
      random,
      connect: (url, handlers) => this.dial(machine, url, handlers),
      mesh: {
        token: TOKEN,
        urls: [station.url],
        join: this.dice.some(others, 3).map(({ url }) => url),
        target: this.#options.target,
      },
    });
  }

  kill(station: Station): void {
    const { machine, node, identity } = station;
    const own = node.meshStatus()!.presence.origins.find(({ origin }) => origin === identity.id);
    this.written += own?.version ?? 0;
    machine.kill();
    this.network.died(machine);
  }

  /** A process dials a node. */
  dial(from: Machine, url: string, handlers: SocketHandlers): Socket {
    const station = this.#byUrl.get(url.split("/v1/")[0]!.replace(/\/$/, ""));
    if (!station) throw new Error(`no node of this world has the URL ${url}`);
    const line = this.network.line(from, station.machine);
    const { dialer, acceptor } = line;
    dialer.handlers = handlers;
    dialer.carry(() => {
      const admitted = station.node.admit(url.split("/").at(-1)!, "192.0.2.1");
      if ("status" in admitted) return acceptor.refuse();
      acceptor.carry(() => handlers.open?.());
      acceptor.handlers = admitted.open(acceptor);
    });
    if (station.machine.state === "dead" && line.passes) acceptor.refuse();
    return dialer;
  }

  async openPeer(machine: Machine, identity: Identity, nodes: string[], dice: Dice): Promise<Peer> {
    const platform: Platform = {
      name: "sim/1",
      connect: (url, handlers) => this.dial(machine, url, handlers),
    };
    class SimulatedPeer extends Peer {
      protected static override platform: Platform = platform;
    }
    return await SimulatedPeer.open({
      nodes,
      key: identity,
      clock: machine.clock,
      random: (size) => dice.bytes(size),
      offline: true,
      // All stand in one process, and would talk past the network whose faults are the point.
      paths: { local: false },
    });
  }

  #build(number: number): void {
    const url = `ws://127.0.${number >> 8}.${(number & 255) + 1}`;
    const station = {
      number,
      url,
      identity: this.identity(number),
      place: this.somewhere(),
      skew: this.dice.between(-20_000, 20_000),
      starts: 0,
    } as Station;
    this.stations.push(station);
    this.byId.set(station.identity.id, station);
    this.#byUrl.set(url, station);
  }
}
