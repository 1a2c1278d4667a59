/**
 * The other nodes of a network that NATS joins: each says once a second that it lives and where it is
 * dialled, and nobody says so for another (one writer per node).
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { type Claim, readClaim } from "../mesh/claim.ts";
import { EPOCH_AHEAD } from "../mesh/presence_limits.ts";
import type { Clock } from "../session/clock.ts";
import type { Session, SessionState } from "../session/session.ts";
import { MAX_ORIGINS } from "../wire/limits.ts";
import { Answering } from "./answering.ts";
import type { NodeWay } from "./node_way.ts";
import type { PresenceLink } from "./mesh_presence.ts";

/**
 * Milliseconds of silence after which a node is asked for a sign of life, and after which it is forgotten: the
 * sooner when NATS says that nobody listens for it, for a node that changes servers is back by then.
 */
const QUIET = 1_300;
const ABSENCE = 3_000;
const DEATH = 6_000;
/** Milliseconds for which nothing is heard of a node that sent what no honest node would. */
const SHUNNED = 60_000;

/** Another node, as this one sees it. */
export class NatsNode implements NodeWay, PresenceLink {
  readonly remote: PeerId;
  readonly epoch: number;
  /** By which this node names it in the subjects of answers. */
  readonly number: number;
  urls: readonly string[];
  state: "greeted" | "over" = "greeted";
  blames = 0;
  /** The server knows nobody under its subjects. */
  unheard = false;
  /** Whether it answers what is sent to it. */
  readonly answering: Answering;
  /** Monotonic milliseconds. */
  heardAt: number;
  readonly session: Pick<Session, "buffered" | "send" | "close" | "state">;

  constructor(claim: Claim, number: number, clock: Clock, sink: NatsNodesSink) {
    this.remote = claim.node;
    this.epoch = claim.epoch;
    this.urls = claim.urls;
    this.number = number;
    this.heardAt = clock.now();
    this.answering = new Answering(clock, {
      ask: () => sink.ask(this),
      doubt: (doubted) => sink.changed([{ type: doubted ? "doubted" : "returned", node: this }]),
    });
    const state = (): SessionState => this.state === "greeted" ? "ready" : "closed";
    this.session = {
      get buffered(): number {
        return sink.buffered();
      },
      get state(): SessionState {
        return state();
      },
      send: (frame) => this.state === "greeted" && sink.send(this.remote, frame) ? 0 : -1,
      close: () => sink.shun(this),
    };
  }

  /** What can go another way should: it fell silent, or nobody listens for it. */
  get doubted(): boolean {
    return this.unheard || this.answering.doubted;
  }
}

export interface NatsNodesSink {
  /** False: it could not be sent. */
  send(to: PeerId, frame: Uint8Array): boolean;
  buffered(): number;
  /** Asks for a sign of life. */
  ask(node: NatsNode): void;
  /** What became of nodes, not as the answer to a call. */
  changed(changes: readonly NodeChange[]): void;
  /** Nothing more is to be heard of it for a while. */
  shun(node: NatsNode): void;
}

/** What became of a node. */
export type NodeChange =
  | { type: "joined" | "returned" | "left" | "doubted"; node: NatsNode }
  /** It is dialled elsewhere now. */
  | { type: "moved"; node: NatsNode };

export class NatsNodes {
  readonly #self: PeerId;
  readonly #sink: NatsNodesSink;
  readonly #nodes = new Map<PeerId, NatsNode>();
  readonly #byNumber = new Map<number, NatsNode>();
  /** Until when, monotonic milliseconds. */
  readonly #shunned = new Map<PeerId, number>();
  readonly #clock: Clock;
  #count = 0;

  constructor(self: PeerId, clock: Clock, sink: NatsNodesSink) {
    this.#self = self;
    this.#clock = clock;
    this.#sink = sink;
  }

  [Symbol.iterator](): IterableIterator<NatsNode> {
    return this.#nodes.values();
  }

  get(node: PeerId): NatsNode | undefined {
    return this.#nodes.get(node);
  }

  numbered(number: number): NatsNode | undefined {
    return this.#byNumber.get(number);
  }

  /** A sign of life. */
  heard(node: NatsNode): NodeChange[] {
    node.heardAt = this.#clock.now();
    const { unheard } = node;
    const { doubted } = node.answering;
    node.unheard = false;
    node.answering.heard(); // which tells of the end of its own doubt
    return unheard && !doubted ? [{ type: "returned", node }] : [];
  }

  /** What a node says of itself; why it is not believed, in a word. */
  claimed(speaker: PeerId, said: Claim): NodeChange[] | string {
    if (speaker === this.#self) return "own-id";
    if (said.node !== speaker) return "hearsay";
    const claim = readClaim(said, this.#clock.wall() + EPOCH_AHEAD);
    if (!claim) return "malformed-claim";
    if ((this.#shunned.get(speaker) ?? 0) > this.#clock.now()) return "shunned";
    const known = this.#nodes.get(speaker);
    if (known && claim.epoch < known.epoch) return "old-claim";
    if (claim.state !== "alive") return known ? [this.#bury(known)] : [];
    if (known?.epoch === claim.epoch) return this.#renewed(known, claim);
    if (!known && this.#nodes.size >= MAX_ORIGINS - 1) return "full";
    return [...known ? [this.#bury(known)] : [], this.#enter(claim)];
  }

  /** Who has been silent too long; who is silent is asked. */
  tick(): NodeChange[] {
    const now = this.#clock.now();
    const changes: NodeChange[] = [];
    for (const node of [...this.#nodes.values()]) {
      const silence = now - node.heardAt;
      if (silence >= (node.unheard ? ABSENCE : DEATH)) changes.push(this.#bury(node));
      else if (silence >= QUIET) this.#sink.ask(node);
    }
    return changes;
  }

  /** NATS says that nobody listens for it. */
  unheard(node: NatsNode): NodeChange[] {
    const { doubted } = node;
    node.unheard = true;
    return doubted || node.state === "over" ? [] : [{ type: "doubted", node }];
  }

  /** This node itself could not hear: the silence of others says nothing. */
  forgive(): void {
    for (const node of this.#nodes.values()) node.heardAt = this.#clock.now();
  }

  /** Nothing more is heard of it for a while. */
  shun(node: NatsNode): NodeChange[] {
    const now = this.#clock.now();
    for (const [other, until] of this.#shunned) if (until <= now) this.#shunned.delete(other);
    this.#shunned.set(node.remote, now + SHUNNED);
    return node.state === "over" ? [] : [this.#bury(node)];
  }

  /** No timer is left behind. */
  stop(): void {
    for (const node of this.#nodes.values()) node.answering.stop();
  }

  #renewed(node: NatsNode, { urls }: Claim): NodeChange[] {
    const moved = node.urls.join() !== urls.join();
    node.urls = urls;
    return [...this.heard(node), ...moved ? [{ type: "moved", node } as const] : []];
  }

  #enter(claim: Claim): NodeChange {
    const node = new NatsNode(claim, this.#count++, this.#clock, this.#sink);
    this.#nodes.set(claim.node, node);
    this.#byNumber.set(node.number, node);
    return { type: "joined", node };
  }

  #bury(node: NatsNode): NodeChange {
    this.#nodes.delete(node.remote);
    this.#byNumber.delete(node.number);
    node.state = "over";
    node.answering.stop();
    return { type: "left", node };
  }
}
