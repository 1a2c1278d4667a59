/** Nodes and peers in one process, on a clock that a test turns: the real code, no sockets, no waiting. */
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { Link } from "../../src/link/link.ts";
import type { Message } from "../../src/link/message.ts";
import type { Neighbourhood } from "../../src/path/local.ts";
import type { PathsOwner } from "../../src/path/paths.ts";
import type { PeerOptions } from "../../src/peer/options.ts";
import { Peer } from "../../src/peer/peer.ts";
import type { Platform, WatchChanges } from "../../src/peer/platform.ts";
import { type NodeOptions, RendezvousNode } from "../../src/rendezvous/node.ts";
import type { MeshOptions } from "../../src/rendezvous/mesh_options.ts";
import { natsFabric } from "../../src/rendezvous/nats_fabric.ts";
import type { Clock } from "../../src/session/clock.ts";
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";
import { VirtualNats } from "../rendezvous/virtual_nats.ts";
import { type PairEnd, socketPair } from "../session/socket_pair.ts";
import type { VirtualDirect } from "../path/virtual_direct.ts";
import type { VirtualRtc } from "../path/virtual_rtc.ts";
import { settle, VirtualClock } from "../session/virtual_clock.ts";

/** Milliseconds that pass at once where nothing is due. */
const LEAP = 10;
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));

/** A node that can be killed and started again under its key. */
interface Station {
  url: string;
  identity: Identity;
  options: Partial<NodeOptions>;
  /** Its machine's clock, of the right one. */
  clockOf: (clock: Clock) => Clock;
  node: RendezvousNode | undefined;
  /** Stops every timer of the node's process. */
  end: () => void;
  /** Both ends of every connection: the peer's, the node's. */
  lines: Set<[PairEnd, PairEnd]>;
}

/** What joins the nodes of {@link VirtualWorld.startMesh}. */
export const FABRICS = ["gossip", "nats"] as const;
export type FabricName = (typeof FABRICS)[number];

export class VirtualWorld {
  readonly clock: VirtualClock = new VirtualClock();
  /** Milliseconds one way between a peer and a node. */
  readonly delay: number;
  /** Of single nodes, where it is another. */
  readonly delays: Map<string, number> = new Map();
  readonly stations: Map<string, Station> = new Map();
  /** Whether packets pass between two nodes, and sessions can be begun. */
  passes: (from: string, to: string) => boolean = () => true;
  /** Where peers are near each other; nowhere unless a test says so. */
  neighbourhoods: Neighbourhood[] = [];
  /** Direct paths between peers; none unless a test makes some. */
  direct: VirtualDirect | undefined;
  /** What peers opened from now on are told of their network and their sleep. */
  changes: WatchChanges | undefined;
  /** Data channels, for attempts brokered by the nodes; without, peers have no WebRTC. */
  rtc: VirtualRtc | undefined;
  /** Every peer opened here. */
  readonly peers: Peer[] = [];

  readonly fabric: FabricName;
  /** What joins nodes where the fabric is NATS. */
  readonly nats: VirtualNats = new VirtualNats(this.clock);

  constructor(
    { delay = 5, fabric = "gossip" }: {
      delay?: number;
      fabric?: FabricName;
    } = {},
  ) {
    this.delay = delay;
    this.fabric = fabric;
    this.nats.delay = Math.floor(delay / 2);
    this.nats.passes = (from, to) => this.passes(from, to);
  }

  async start(
    url: string = "ws://127.0.0.1",
    options: Partial<NodeOptions> = {},
    clockOf: (clock: Clock) => Clock = (clock) => clock,
  ): Promise<string> {
    this.stations.set(url, {
      url,
      identity: await generateIdentity(),
      options,
      clockOf,
      node: undefined,
      end: () => {},
      lines: new Set(),
    });
    this.restart(url);
    return url;
  }

  restart(url: string = "ws://127.0.0.1"): void {
    const station = this.stations.get(url)!;
    const { identity, options, clockOf } = station;
    const access = { kind: "open" } as const;
    const process = mortalClock(this.clock);
    station.end = process.end;
    const node: RendezvousNode = station.node = new RendezvousNode({
      clock: clockOf(process.clock),
      random,
      access,
      connect: (to, handlers) => this.dial(to, handlers, url, () => station.node === node),
      hosts: "any",
      ...options,
      identity,
    });
  }

  /** As kill -9: connections break, what was under way is gone, nothing is said. */
  kill(url: string = "ws://127.0.0.1"): void {
    const station = this.stations.get(url)!;
    station.node = undefined;
    station.end();
    this.nats.kill(url);
    const dialled = [...this.stations.values()].flatMap(({ lines }) => [...lines]);
    for (const line of dialled) {
      if (this.#from.get(line) !== url) continue;
      const [own, other] = line;
      own.handlers = undefined;
      own.cut = other.cut = true;
      this.clock.after(0, () => other.lose(1006, "connection reset"));
    }
    for (const [peer, node] of station.lines) {
      node.handlers = undefined;
      node.cut = peer.cut = true;
      this.clock.after(0, () => peer.lose(1006, "connection reset"));
    }
    station.lines.clear();
  }

  /** One of the connections to a node breaks. */
  breakOne(url: string, dice: (sides: number) => number): void {
    const lines = [...this.stations.get(url)!.lines];
    lines[dice(lines.length)]?.[0].terminate();
  }

  /** As a machine that stops answering: connections stay, nothing comes through. */
  blackhole(url: string): void {
    for (const port of this.nats.of(url)) port.frozen = true;
    for (const [to, { lines }] of this.stations) {
      for (const line of lines) {
        if (to === url || this.#from.get(line) === url) { for (const end of line) end.cut = true; }
      }
    }
  }

  node(url: string = "ws://127.0.0.1"): RendezvousNode {
    return this.stations.get(url)!.node!;
  }

  /** Opens a peer; options as for `Peer.open`, on this world's clock and first node. */
  async open(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return await this.run(this.opening(options));
  }

  opening(options: Partial<PeerOptions> = {}): Promise<Peer> {
    const { connect, neighbourhoods, direct, changes } = this;
    const paths = direct && ((owner: PathsOwner) => direct.source(owner));
    const platform = { name: "test/1", connect, neighbourhoods, paths, changes, rtc: this.rtc?.load };
    class VirtualPeer extends Peer {
      protected static override platform: Platform = platform;
    }
    const opened = VirtualPeer.open({
      nodes: [[...this.stations.keys()][0]!],
      clock: this.clock,
      ...options,
      paths: { local: neighbourhoods.length > 0, ...options.paths },
    });
    opened.then((peer) => this.peers.push(peer), () => {});
    return opened;
  }

  /** Nodes joined by this world's fabric: by a token, each knowing the first, or by NATS; `clockOf` makes their clocks wrong. */
  async startMesh(
    count: number,
    mesh: Partial<MeshOptions> = {},
    clockOf: (clock: Clock, node: number) => Clock = (clock) => clock,
  ): Promise<string[]> {
    const urls = Array.from({ length: count }, (_, i) => `ws://127.0.0.${i + 1}`);
    for (const [i, url] of urls.entries()) {
      await this.start(url, this.#joining(url, urls[0]!, mesh), (clock) => clockOf(clock, i));
    }
    await this.clock.advance(0);
    await this.pass(3_000);
    return urls;
  }

  #joining(url: string, first: string, mesh: Partial<MeshOptions>): Partial<NodeOptions> {
    if (this.fabric === "gossip") {
      return { mesh: { token: "a token of this network", join: [first], urls: [url], ...mesh } };
    }
    return {
      fabric: (parts) => natsFabric(this.nats.connect(url, parts.clock), { urls: [url] })(parts),
    };
  }

  /** Lets virtual time pass, with the real time that signatures take; in larger steps those seem to take longer. */
  async pass(ms: number, step: number = 1): Promise<void> {
    await this.run(new Promise<void>((resolve) => void this.clock.after(ms, resolve)), ms + step, step);
  }

  /** Connections between two nodes break, and no new ones are made; `silently`: nobody is told. */
  cut(one: string, other: string, silently: boolean = false): void {
    const before = this.passes;
    const concerned = (from: string, to: string) => [one, other].includes(from) && [one, other].includes(to);
    this.passes = (from, to) => !concerned(from, to) && before(from, to);
    for (const [to, station] of this.stations) {
      for (const line of station.lines) {
        const from = this.#from.get(line);
        if (from === undefined || !concerned(from, to)) continue;
        for (const end of line) {
          end.cut = true;
          if (!silently) this.clock.after(0, () => end.lose(1006, "connection reset"));
        }
      }
    }
  }

  readonly #from = new Map<[PairEnd, PairEnd], string>();

  private readonly connect = (url: string, handlers: SocketHandlers): Socket => this.dial(url, handlers);

  dial(url: string, handlers: SocketHandlers, from?: string, lives = () => true): Socket {
    const delay = this.delays.get(url.split("/v1/")[0]!) ?? this.delay;
    const [peer, node] = socketPair(this.clock, { delay });
    peer.handlers = handlers;
    if (!lives()) return peer; // a process that was killed
    if (from !== undefined && !this.passes(from, url.split("/v1/")[0]!)) {
      this.clock.after(this.delay, () => peer.lose(1006, "no route to host"));
      return peer;
    }
    const station = [...this.stations].find(([base]) => url.startsWith(`${base}/`))?.[1];
    const { pathname, searchParams } = new URL(url);
    const sought = searchParams.getAll("find");
    const admitted = station?.node?.admit(pathname.split("/").at(-1)!, "192.0.2.1", undefined, sought);
    if (!station || !admitted || "status" in admitted) {
      this.clock.after(this.delay, () => peer.lose(1006, "connection refused"));
      return peer;
    }
    const line: [PairEnd, PairEnd] = [peer, node];
    station.lines.add(line);
    if (from !== undefined) this.#from.set(line, from);
    this.clock.after(2 * delay, () => {
      if (!station.lines.has(line)) return admitted.release();
      handlers.open?.();
      node.handlers = admitted.open(node);
    });
    return peer;
  }

  /** Turns the clock until the promise is settled, at most `limit` virtual milliseconds. */
  async run<T>(promise: Promise<T>, limit: number = 600_000, step: number = 1): Promise<T> {
    let settled = false;
    const mark = () => void (settled = true);
    promise.then(mark, mark);
    const until = this.clock.now() + limit;
    for (await settle(); !settled; await settle()) {
      const idle = Math.min(this.clock.due - this.clock.now(), LEAP);
      await this.clock.advance(Math.max(step, idle));
      if (this.clock.now() > until) throw new Error(`nothing came of it in ${limit} virtual ms`);
    }
    return await promise;
  }

  /** Closes every peer and stops the nodes. */
  async end(): Promise<void> {
    await this.run(Promise.all(this.peers.map((peer) => peer.close())));
    for (const { node } of this.stations.values()) if (node) await this.run(node.drain(0));
    await this.clock.advance(10_000);
  }
}

/** A clock whose timers can all be stopped, as those of a process that is killed. */
export function mortalClock(clock: VirtualClock): { clock: Clock; end: () => void } {
  const armed = new Set<() => void>();
  const after = (delay: number, run: () => void) => {
    const cancel = clock.after(delay, () => {
      armed.delete(cancel);
      run();
    });
    armed.add(cancel);
    return () => {
      armed.delete(cancel);
      cancel();
    };
  };
  const end = () => armed.forEach((cancel) => cancel());
  return { clock: { now: () => clock.now(), wall: () => clock.wall(), after }, end };
}

/** A wrong clock: `by` milliseconds off. */
export function wrongClock(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + by,
    after: (delay, run) => clock.after(delay, run),
  };
}

/** Resolves with the next link that somebody begins with `peer`. */
export function nextLink(peer: Peer): Promise<Link> {
  return new Promise((resolve) => peer.addEventListener("link", ({ link }) => resolve(link), { once: true }));
}

/** Reads messages as they come; returns the growing list of their texts. */
export function collect(link: Link, each?: (message: Message) => void): string[] {
  const texts: string[] = [];
  void (async () => {
    for await (const message of link) {
      texts.push(message.text());
      each?.(message);
    }
  })();
  return texts;
}
