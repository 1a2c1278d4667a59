/**
 * Nodes that do with membership, probing, neighbours and routes what a real one does,
 * over sessions whose frames may be lost, doubled and overtaken, in virtual time. Frames
 * of real sessions are none of that; what survives this survives a queue that drops.
 */
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { Claim } from "../../src/mesh/claim.ts";
import { Members } from "../../src/mesh/members.ts";
import type { MeshEffect } from "../../src/mesh/mesh_effect.ts";
import { Neighbours } from "../../src/mesh/neighbours.ts";
import { preferred } from "../../src/mesh/one_session.ts";
import { Probing } from "../../src/mesh/probing.ts";
import { Routes, type SignedEdges } from "../../src/mesh/routes.ts";
import { Vouching } from "../../src/mesh/vouching.ts";
import { seeded } from "../dice.ts";

/** An id that depends on the number alone; smaller numbers are not smaller ids. */
export function idOf(number: number): PeerId {
  const random = seeded(number + 1);
  return Array.from({ length: 52 }, () => "abcdefghijklmnopqrstuvwxyz234567"[Math.floor(random() * 32)]).join(
    "",
  ) as PeerId;
}

export type Frame =
  | { type: "claims"; claims: readonly Claim[] }
  | { type: "probe" | "probeAck"; nonce: Uint8Array; target: PeerId }
  | { type: "edges"; edges: SignedEdges };

/** Milliseconds after which the end of a session notices that nothing arrives any more. */
const SILENCE = 3_500;
/** Between looks at what is to be dialled, and until a dial gives up. */
const LOOK = 250;
const DIAL_DEADLINE = 2_000;

interface Wire {
  readonly dialledBy: PeerId;
  readonly ends: [Node, Node];
  open: boolean;
}

interface Held {
  readonly wire: Wire;
  readonly readyAt: number;
  readonly epoch: number;
}

export class Mesh {
  now: number = 0;
  readonly random: () => number;
  readonly nodes: Node[] = [];
  /** Chances of each frame to be lost or doubled, and the longest time it takes beyond 5 ms. */
  loss = 0;
  doubling = 0;
  jitter = 40;
  /** Whether packets pass between two nodes. */
  connected: (a: Node, b: Node) => boolean = () => true;
  readonly #agenda = new Map<number, (() => void)[]>();

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  add(number: number, options: { epoch?: number; urls?: string[]; target?: number } = {}): Node {
    const node = new Node(this, idOf(number), options);
    this.nodes.push(node);
    return node;
  }

  /** Nodes that run. */
  get living(): Node[] {
    return this.nodes.filter(({ state }) => state !== "dead");
  }

  find(id: PeerId): Node | undefined {
    return this.living.find((node) => node.id === id);
  }

  after(delay: number, run: () => void): void {
    const at = Math.max(this.now, Math.ceil(this.now + delay));
    const due = this.#agenda.get(at);
    if (due) due.push(run);
    else this.#agenda.set(at, [run]);
  }

  run(duration: number): void {
    for (const until = this.now + duration; this.now < until; this.now++) {
      const due = this.#agenda.get(this.now) ?? [];
      for (const run of due) run(); // grows while it is walked
      this.#agenda.delete(this.now);
    }
  }

  delay(): number {
    return 5 + this.random() * this.jitter;
  }
}

export class Node {
  readonly id: PeerId;
  readonly epoch: number;
  readonly urls: string[];
  readonly members: Members;
  readonly probing: Probing;
  readonly neighbours: Neighbours;
  readonly routes: Routes;
  readonly vouching: Vouching;
  state: "running" | "stopped" | "dead" = "running";
  readonly wires: Map<PeerId, Held> = new Map();
  readonly changes: MeshEffect[] = [];
  framesSent = 0;
  readonly #mesh: Mesh;
  readonly #dialling = new Set<PeerId>();
  /** What waits while the process is stopped: timers that came due run before what arrived. */
  #timers: (() => void)[] = [];
  #arrived: (() => void)[] = [];

  constructor(mesh: Mesh, id: PeerId, options: { epoch?: number; urls?: string[]; target?: number }) {
    const { random } = mesh;
    const epoch = options.epoch ?? 1_000_000 + mesh.now;
    this.#mesh = mesh;
    this.id = id;
    this.epoch = epoch;
    this.urls = options.urls ?? [`wss://${id.slice(0, 8)}.example/`];
    this.members = new Members({ id, epoch, urls: this.urls, random });
    this.neighbours = new Neighbours({ members: this.members, target: options.target, random });
    this.routes = new Routes({ id, epoch, known: (node) => /alive|suspect/.test(this.view(node)) });
    this.vouching = new Vouching({ members: this.members, routes: this.routes });
    const hop = (target: PeerId) => this.routes.nextHop(target);
    this.probing = new Probing({ members: this.members, hop, random }, mesh.now);
    this.#step();
    this.#look();
  }

  view(node: PeerId): string {
    return this.members.state(node) ?? "unknown";
  }

  /** `silently`: the machine is cut off; otherwise its sockets are reset. */
  kill(silently = false): void {
    this.state = "dead";
    for (const { wire } of this.wires.values()) this.#mesh.after(silently ? SILENCE : 5, () => close(wire));
  }

  stop(): void {
    this.state = "stopped";
  }

  resume(): void {
    this.state = "running";
    const waiting = [...this.#timers, ...this.#arrived];
    this.#timers = [];
    this.#arrived = [];
    for (const run of waiting) run();
  }

  /** A timer of this process. */
  timer(delay: number, run: () => void): void {
    this.#mesh.after(delay, () => this.#when(run, this.#timers));
  }

  /** Something the network brings to this process. */
  arrive(run: () => void): void {
    this.#when(run, this.#arrived);
  }

  dial(id: PeerId): void {
    this.#dialling.add(id);
    const other = this.#mesh.find(id);
    const settled = () => this.#dialling.delete(id) && !this.wires.has(id);
    this.timer(DIAL_DEADLINE, () => settled() && this.neighbours.failed(id, this.#mesh.now));
    if (!other || !this.#mesh.connected(this, other)) return;
    const wire: Wire = { dialledBy: this.id, ends: [this, other], open: true };
    this.#mesh.after(this.#mesh.delay(), () =>
      other.arrive(() => {
        other.ready(wire);
        this.#mesh.after(this.#mesh.delay(), () => this.arrive(() => this.ready(wire)));
      }));
  }

  ready(wire: Wire): void {
    const other = otherEnd(wire, this);
    const newer = { wire, readyAt: this.#mesh.now, epoch: other.members.own.epoch };
    const older = this.wires.get(other.id);
    const facts = (held: Held) => ({ ...held, dialledBy: held.wire.dialledBy });
    if (!wire.open) return;
    if (older && older.wire !== wire && preferred(facts(older), facts(newer)) === "older") return close(wire);
    this.#dialling.delete(other.id);
    this.neighbours.reached(other.id);
    this.wires.set(other.id, newer);
    if (older && older.wire !== wire) close(older.wire);
    this.perform(this.members.sessionUp(other.id, newer.epoch, other.urls, this.#mesh.now));
    const announced = this.routes.sessionUp(other.id, Math.round(this.#mesh.random() * 100));
    this.#sendAllEdges(other.id);
    if (announced) this.#announceEdges();
  }

  closed(wire: Wire): void {
    const { id } = otherEnd(wire, this);
    if (this.wires.get(id)?.wire !== wire) return;
    this.wires.delete(id);
    this.perform(this.members.sessionDown(id, this.#mesh.now));
    if (this.routes.sessionDown(id)) this.#announceEdges();
  }

  perform(effects: readonly MeshEffect[]): void {
    for (const effect of effects) this.#perform(effect);
  }

  send(to: PeerId, frame: Frame): void {
    const wire = this.wires.get(to)?.wire;
    if (!wire) return;
    const { random } = this.#mesh;
    this.framesSent++;
    const copies = random() < this.#mesh.loss ? 0 : random() < this.#mesh.doubling ? 2 : 1;
    for (let i = 0; i < copies; i++) this.#mesh.after(this.#mesh.delay(), () => this.#deliver(wire, frame));
  }

  receive(wire: Wire, frame: Frame): void {
    const { now } = this.#mesh;
    const from = otherEnd(wire, this).id;
    if (!this.wires.has(from)) return this.#keep(wire, frame);
    if (frame.type === "claims") {
      this.perform(this.members.receive(from, frame.claims, now));
      this.#release();
    } else if (frame.type === "edges") this.#hearEdges(from, frame.edges);
    else if (frame.type === "probe") {
      this.perform(this.probing.probed(from, frame.nonce, frame.target, now));
    } else this.perform(this.probing.answered(from, frame.nonce, frame.target));
  }

  #perform(effect: MeshEffect): void {
    switch (effect.type) {
      case "gossip":
        for (const to of this.wires.keys()) {
          if (to !== effect.except) this.send(to, { type: "claims", claims: effect.claims });
        }
        return;
      case "tell":
        return this.send(effect.to, { type: "claims", claims: effect.claims });
      case "probe":
      case "probeAck":
        return this.send(effect.to, { type: effect.type, nonce: effect.nonce, target: effect.target });
      case "sync":
        return this.#sendAllEdges(effect.to);
      default:
        this.changes.push(effect);
        if (effect.type === "dead" || effect.type === "left") this.routes.bury(effect.node, effect.epoch);
        if (effect.type !== "refuted" || !effect.renewed) return;
        this.routes.renew(effect.epoch);
        this.#announceEdges();
    }
  }

  #deliver(wire: Wire, frame: Frame): void {
    const other = otherEnd(wire, this);
    if (!wire.open || !this.#mesh.connected(this, other)) return;
    other.arrive(() => other.receive(wire, frame));
  }

  /** What the acceptor says at once waits until the dialer is ready. */
  #keep(wire: Wire, frame: Frame): void {
    if (wire.open) this.timer(5, () => this.receive(wire, frame));
  }

  #hearEdges(from: PeerId, edges: SignedEdges): void {
    if (this.vouching.awaits(edges)) this.vouching.hold(edges);
    else this.#accept(from, edges);
    this.#release();
  }

  #release(): void {
    for (let next = this.vouching.next(); next; next = this.vouching.next()) {
      this.perform(this.members.vouch(next.node, this.#mesh.now));
      this.#accept(undefined, next);
    }
  }

  #accept(from: PeerId | undefined, edges: SignedEdges): void {
    const acceptance = this.routes.accept(edges);
    if (acceptance === "ahead") this.perform(this.members.outbid(edges.epoch, this.#mesh.now));
    if (acceptance === "old" && from) this.send(from, { type: "edges", edges: this.routes.get(edges.node)! });
    if (acceptance !== "new") return;
    for (const to of this.wires.keys()) if (to !== from) this.send(to, { type: "edges", edges });
  }

  #announceEdges(): void {
    for (const to of this.wires.keys()) this.send(to, { type: "edges", edges: this.#ownEdges() });
  }

  #sendAllEdges(to: PeerId): void {
    for (const edges of [this.#ownEdges(), ...this.routes.statements()]) {
      this.send(to, { type: "edges", edges });
    }
  }

  #ownEdges(): SignedEdges {
    return { ...this.routes.own, frame: new Uint8Array() };
  }

  #step(): void {
    this.perform(this.probing.tick(this.#mesh.now));
    this.timer(this.probing.due - this.#mesh.now, () => this.#step());
  }

  /** Every pair notices by itself that nothing passes any more. */
  #look(): void {
    for (const { wire } of this.wires.values()) {
      if (this.#mesh.connected(...wire.ends)) continue;
      this.#mesh.after(SILENCE, () => this.#mesh.connected(...wire.ends) || close(wire));
    }
    for (const { node } of this.neighbours.wanted(this.#mesh.now)) {
      if (!this.#dialling.has(node)) this.dial(node);
    }
    if (this.wires.size === 0) this.#lookAround();
    this.timer(LOOK, () => this.#look());
  }

  /** Alone, it turns to the list it was configured with: here, everybody. */
  #lookAround(): void {
    const { living, random } = this.#mesh;
    const { id, urls } = living[Math.floor(random() * living.length)] ?? this;
    if (id !== this.id && urls.length > 0 && !this.#dialling.has(id)) this.dial(id);
  }

  #when(run: () => void, later: (() => void)[]): void {
    if (this.state === "running") run();
    else if (this.state === "stopped") later.push(run);
  }
}

function otherEnd({ ends }: Wire, node: Node): Node {
  return ends[0] === node ? ends[1] : ends[0];
}

function close(wire: Wire): void {
  wire.open = false;
  for (const end of wire.ends) end.arrive(() => end.closed(wire));
}

/** Each node dials the first once; from then on gossip does the rest. */
export function meshOf(count: number, seed: number, target?: number): Mesh {
  const mesh = new Mesh(seed);
  for (let i = 0; i < count; i++) mesh.add(i, { target });
  for (const node of mesh.nodes.slice(1)) node.dial(mesh.nodes[0]!.id);
  return mesh;
}
