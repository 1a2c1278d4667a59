/**
 * Nodes that NATS joins: no sessions between them, no routes, no gossip about who lives. Frames for a
 * peer go to its subject at one of its nodes; each node tells all others what happens at itself, and the
 * same code as in a mesh judges it (`mesh_presence.ts`): nothing is believed that no record proves.
 *
 *     peer ── WebSocket ── node ──▶ to.NODE.PEER ──▶ node of the other peer ── WebSocket ── that peer
 *                           │
 *                           └──▶ all.BY: I live; my peers changed        find: who knows this peer?
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Claim } from "../mesh/claim.ts";
import { decodeControl, encodeMembers, encodeProbe, encodeProbeAck } from "../wire/frames.ts";
import type { Fabric, FabricParts } from "./fabric.ts";
import { MeshCounts } from "./mesh_options.ts";
import { MeshPresence } from "./mesh_presence.ts";
import type { MeshStatus } from "./mesh_status.ts";
import { claimOf, onWire } from "./mesh_wire.ts";
import { NatsForwarding } from "./nats_forwarding.ts";
import { NatsLine } from "./nats_line.ts";
import { type NatsNode, NatsNodes, type NodeChange } from "./nats_nodes.ts";
import type { NatsMessage, NatsPort } from "./nats_port.ts";
import { NatsQuestions } from "./nats_questions.ts";
import { natsStatus } from "./nats_status.ts";
import { NatsSubjects, speakerOf } from "./nats_subjects.ts";
import { LINK_NONCE, type NodeLink } from "./node_link.ts";

/** Milliseconds between two looks at the connection and at who is silent. */
const LOOK = 250;
/** Milliseconds between two signs of life. */
const HEARTBEAT = 1_000;
/** Looks between two sweeps of what peers elsewhere left behind. */
const SWEEP = 120;
/** Queues of one socket that the line to NATS stands for: it leads to all nodes, a link of a mesh to one. */
const LINKS = 4;
/** The queue group of questions. */
const GROUP = "nodes";

export interface NatsFabricOptions {
  /** Where peers dial this node, told to the others. Default of `serve`: as in a mesh. */
  urls?: readonly string[];
}

/**
 * Joins a node with the others of its network by a connection to NATS, which it closes when it leaves.
 *
 * @example
 * ```ts
 * import { connectNats, natsFabric, serve } from "waymeet/node";
 * const port = await connectNats({ servers: ["nats://127.0.0.1:4222"] });
 * await using node = await serve({ fabric: natsFabric(port) });
 * ```
 */
export function natsFabric(port: NatsPort, options: NatsFabricOptions = {}): (parts: FabricParts) => Fabric {
  return (parts) => new NatsFabric(parts, port, options);
}

export class NatsFabric implements Fabric {
  readonly forwarding: NatsForwarding;
  readonly peers: MeshPresence;
  readonly #parts: FabricParts;
  readonly #port: NatsPort;
  readonly #subjects: NatsSubjects;
  readonly #counts = new MeshCounts();
  readonly #line: NatsLine;
  readonly #nodes: NatsNodes;
  readonly #questions: NatsQuestions;
  #claim: Claim;
  readonly #urlsChosen: boolean;
  #up = false;
  #left = false;
  #lookAt: number;
  #heartbeatAt = 0;
  #looks = 0;
  #stop: () => void = () => {};

  constructor(parts: FabricParts, port: NatsPort, { urls }: NatsFabricOptions = {}) {
    const { identity: { id }, network, clock } = parts;
    const epoch = Math.floor(clock.wall());
    this.#parts = parts;
    this.#port = port;
    this.#subjects = new NatsSubjects(network, id);
    this.#line = new NatsLine({ port, clock, most: () => LINKS * parts.limits.queue });
    this.#urlsChosen = urls !== undefined;
    this.#claim = { node: id, epoch, incarnation: 0, state: "alive", urls: (urls ?? []).map(normal) };
    this.#nodes = new NatsNodes(id, clock, {
      send: (to, frame) => this.#line.publish(this.#subjects.node(to), frame),
      buffered: () => this.#line.pending,
      ask: (node) => this.#ask(node),
      changed: (changes) => this.#perform(changes),
      shun: (node) => this.#perform(this.#nodes.shun(node)),
    });
    this.peers = this.#makePeers(epoch);
    this.#questions = this.#makeQuestions();
    this.forwarding = this.#makeForwarding();
    this.#lookAt = clock.now() + LOOK;
    this.#subscribe();
    port.watch(() => this.#turned());
    this.#turned();
    this.#stop = clock.after(LOOK, () => this.#look());
  }

  status(): MeshStatus {
    return natsStatus({
      claim: this.#claim,
      nodes: this.#nodes,
      presence: this.peers.presence,
      counts: this.#counts,
      line: this.#line,
      port: this.#port,
      questions: this.#questions,
      now: this.#parts.clock.now(),
    });
  }

  toNode(node: PeerId): NatsNode | undefined {
    return this.#nodes.get(node);
  }

  toPeer(peer: Uint8Array): NatsNode | undefined {
    return this.forwarding.wayTo(peer);
  }

  obstacle(): string {
    return "this network is joined by NATS; start the other node with --fabric, too, in place of --join";
  }

  receive(): NodeLink {
    throw new Error("nodes that NATS joins have no sessions with each other");
  }

  listensAt(urls: readonly string[]): void {
    if (this.#urlsChosen) return;
    this.#claim = { ...this.#claim, urls: urls.map(normal) };
    this.#say();
  }

  otherUrls(): string[] {
    return [...this.#nodes].filter(({ doubted }) => !doubted).flatMap(({ urls }) => urls.slice(0, 1));
  }

  /** Says goodbye to the others and ends the connection. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#stop();
    this.peers.stop();
    this.#nodes.stop();
    this.#claim = { ...this.#claim, state: "left", urls: [] };
    this.#say();
    const gone = (error: unknown) =>
      this.#parts.log.debug("NATS ended with {error}", { error: String(error) });
    this.#port.close().catch(gone);
  }

  // What is heard.

  #subscribe(): void {
    const { to, back, node, all } = this.#subjects.own;
    const hear = (subject: string, take: (message: NatsMessage) => void, queue?: string) =>
      this.#port.subscribe(subject, (message) => {
        if (this.#left) return;
        this.#line.heard(message.data);
        take(message);
      }, queue);
    hear(to, (message) => this.forwarding.arrived(message));
    hear(back, (message) => this.forwarding.back(message));
    hear(node, (message) => this.#hear(message));
    hear(all, (message) => this.#hear(message));
    hear(this.#subjects.find, (message) => this.#questions.hear(message), GROUP);
  }

  #hear({ subject, data }: NatsMessage): void {
    const speaker = speakerOf(subject);
    const frame = speaker && decodeControl(data);
    if (!frame) return this.#counts.refused("malformed");
    if (frame.kind === "members") {
      for (const member of frame.members) this.#claimed(speaker, claimOf(member));
      return;
    }
    const node = this.#nodes.get(speaker);
    if (!node) return this.#counts.refused("stranger");
    this.#perform(this.#nodes.heard(node));
    switch (frame.kind) {
      case "presence":
      case "digest":
        return this.peers.hear(node, frame);
      case "probe":
        return void node.session.send(encodeProbeAck(frame.nonce, frame.target));
      case "probeAck":
        return; // it was heard
      case "attemptTo":
      case "attemptFrom":
        return this.#parts.conveyed(frame);
      case "ban":
        return this.#parts.ordered(frame, node);
      default:
        this.#counts.refused("not-for-nodes");
    }
  }

  #claimed(speaker: PeerId, claim: Claim): void {
    const changes = this.#nodes.claimed(speaker, claim);
    if (typeof changes === "string") this.#counts.refused(changes);
    else this.#perform(changes);
  }

  #perform(changes: readonly NodeChange[]): void {
    for (const change of changes) this.#changed(change);
  }

  #changed({ type, node }: NodeChange): void {
    const wall = this.#parts.clock.wall();
    switch (type) {
      case "joined":
        node.session.send(encodeMembers([onWire(this.#claim)])); // it need not wait for the next sign of life
        this.peers.perform(this.peers.presence.connected(node.remote, wall));
        this.#parts.joined(node);
        return this.#parts.learned();
      case "left":
        this.peers.perform(this.peers.presence.disconnected(node.remote, wall));
        this.peers.perform(this.peers.presence.forget(node.remote, wall));
        return this.#parts.learned();
      case "doubted":
        this.forwarding.abroad.doubt(node.remote);
        return this.#parts.learned();
      case "returned":
        this.peers.perform(this.peers.presence.missed(node.remote, wall));
        return this.#parts.learned();
      case "moved":
        return this.#parts.learned();
    }
  }

  // Time, and the connection.

  #look(): void {
    const now = this.#parts.clock.now();
    const late = now - this.#lookAt > LOOK;
    this.#lookAt = now + LOOK;
    this.#stop = this.#parts.clock.after(LOOK, () => this.#look());
    if (late) this.#nodes.forgive(); // what they said meanwhile is not read yet
    this.#line.tick(late);
    if (this.#up) {
      if (now >= this.#heartbeatAt) this.#say();
      this.#perform(this.#nodes.tick());
    }
    this.peers.tick();
    if (++this.#looks % SWEEP === 0) this.forwarding.abroad.sweep();
  }

  /** Either it answers, or NATS says that nobody listens for it. */
  #ask({ remote, number }: NatsNode): void {
    const { identity: { id, publicKey } } = this.#parts;
    const reply = this.#subjects.back(number, id, remote);
    this.#line.publish(this.#subjects.node(remote), encodeProbe(LINK_NONCE, publicKey), this, reply);
  }

  #say(): void {
    this.#heartbeatAt = this.#parts.clock.now() + HEARTBEAT;
    this.#line.publish(this.#subjects.all, encodeMembers([onWire(this.#claim)]));
  }

  /** The connection was lost or made. */
  #turned(): void {
    const { connected, server, problem } = this.#port.state;
    if (this.#left) return;
    if (connected && problem) this.#parts.log.error("{problem}", { problem });
    if (connected === this.#up) return;
    this.#up = connected;
    this.#line.renewed();
    const { log, clock } = this.#parts;
    if (!connected) {
      log.warn("NATS is lost, peers here go on among themselves: {problem}", { problem });
      for (const { remote } of this.#nodes) this.forwarding.abroad.doubt(remote);
      return;
    }
    log.info("joined by NATS at {server}", { server });
    this.#nodes.forgive();
    this.#say();
    for (const { remote } of this.#nodes) this.#askAnew(remote, clock.wall());
  }

  /** What was said meanwhile was not heard. */
  #askAnew(node: PeerId, wall: number): void {
    const { presence } = this.peers;
    this.peers.perform(presence.disconnected(node, wall));
    this.peers.perform(presence.connected(node, wall));
  }

  // Parts.

  #makePeers(epoch: number): MeshPresence {
    const { identity: { id }, network, clock, superseded, member, moved, metrics } = this.#parts;
    return new MeshPresence({
      ...{ id, epoch, network, clock, superseded, member, counts: this.#counts },
      link: (node) => this.#nodes.get(node),
      give: (to, frame) => this.#give(to, frame),
      admits: (origin) => this.#nodes.get(origin) !== undefined,
      passesOn: () => false, // every node hears every other one
      moved: (peer, node) => {
        if (node === undefined) metrics.goneNotices += this.forwarding.abroad.left(peer);
        moved(peer, node);
      },
      outbid: (newEpoch) => this.#outbid(newEpoch),
    });
  }

  /** What is for several is said once. */
  #give(to: readonly PeerId[], frame: Uint8Array): void {
    if (to.length > 1) this.#line.publish(this.#subjects.all, frame);
    else for (const node of to) this.#nodes.get(node)?.session.send(frame);
  }

  /** An earlier life of this node said a greater epoch. */
  #outbid(epoch: number): void {
    this.#claim = { ...this.#claim, epoch };
    this.#say();
  }

  #makeQuestions(): NatsQuestions {
    const { network, clock } = this.#parts;
    const [port, line, subjects, counts] = [this.#port, this.#line, this.#subjects, this.#counts];
    const find = (peer: PeerId) => this.peers.presence.find(peer);
    return new NatsQuestions({ network, clock, port, line, subjects, counts, find });
  }

  #makeForwarding(): NatsForwarding {
    const { identity: { id }, clock, registry, limits, metrics } = this.#parts;
    return new NatsForwarding({
      ...{ id, registry, limits, metrics, counts: this.#counts, line: this.#line, subjects: this.#subjects },
      maxPayload: () => this.#port.maxPayload,
      presence: this.peers.presence,
      wall: () => clock.wall(),
      node: (node) => this.#nodes.get(node),
      numbered: (number) => this.#nodes.numbered(number),
      unheard: (node) => this.#perform(this.#nodes.unheard(node)),
      ask: (peer) => this.#questions.ask(peer),
    });
  }
}

function normal(url: string): string {
  return new URL(url).href;
}
