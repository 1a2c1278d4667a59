/**
 * Who has sessions with whom, as signed statements between nodes.
 *
 * @module
 */
import { type Identity, verify } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { EdgeStatement, Routes, SignedEdges } from "../mesh/routes.ts";
import type { Vouching } from "../mesh/vouching.ts";
import type { Clock } from "../session/clock.ts";
import { edgesSigned, encodeEdges } from "../wire/frames.ts";
import type { Edges } from "../wire/mesh_protocol.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { NodeLink } from "./node_link.ts";

/** Statements that are verified at once; a later sync brings what was dropped. */
const MAX_VERIFYING = 256;

/** Milliseconds for which a change of sessions waits for others: a node that joins gets several at once. */
const ANNOUNCE_DELAY = 20;

export interface MeshEdgesOptions {
  clock: Clock;
  identity: Identity;
  network: string;
  routes: Routes;
  counts: MeshCounts;
  links: Iterable<NodeLink>;
  /** Whether a node is a member that may live. */
  known: (node: PeerId) => boolean;
  vouching: Vouching;
  /** A node known by hearsay was proven: it is to become a member. */
  vouched: (node: PeerId) => void;
  /** This node was known under a greater epoch. */
  outbid: (epoch: number) => void;
}

export class MeshEdges {
  readonly #o: MeshEdgesOptions;
  #own: Uint8Array | undefined;
  #verifying = 0;
  #stop: (() => void) | undefined;

  constructor(options: MeshEdgesOptions) {
    this.#o = options;
  }

  /** This node's sessions or its epoch changed. */
  announce(): void {
    this.#own = undefined;
    this.#stop ??= this.#o.clock.after(ANNOUNCE_DELAY, () => void this.#announce());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  async #announce(): Promise<void> {
    const { identity, network, routes } = this.#o;
    this.stop();
    const fields = onWire(routes.own);
    const signature = await identity.sign(edgesSigned(network, fields));
    const { epoch, version } = routes.own;
    if (epoch !== fields.epoch || version !== fields.version) return; // the next one is being signed
    this.#own = encodeEdges({ ...fields, signature });
    for (const { session } of this.#o.links) session.send(this.#own);
  }

  /** All that is known, for a new neighbour or one whose turn it is. */
  tell({ session }: NodeLink): void {
    if (this.#own) session.send(this.#own);
    for (const { frame } of this.#o.routes.statements()) session.send(frame);
  }

  async hear(link: NodeLink, edges: Edges): Promise<void> {
    const { network, routes, counts } = this.#o;
    const statement = this.#read(edges);
    const held = routes.get(statement.node);
    if (held && !isNewer(statement, held)) return this.#answer(link, statement, held.frame);
    if (!this.#concerns(statement) || this.#verifying >= MAX_VERIFYING) return;
    this.#verifying++;
    const genuine = await verify(edges.node, edgesSigned(network, edges), edges.signature).catch(() => false);
    this.#verifying--;
    if (!genuine) return counts.refused("bad-edges");
    const signed = { ...statement, frame: encodeEdges(edges) };
    if (this.#o.vouching.awaits(statement)) this.#o.vouching.hold(signed);
    else this.#accept(signed, link);
    this.release();
  }

  /** Whoever is vouched for by now becomes a member; its statement goes its way. */
  release(): void {
    const { vouching, vouched } = this.#o;
    for (let next = vouching.next(); next; next = vouching.next()) {
      vouched(next.node);
      this.#accept(next, undefined);
    }
  }

  /** Whoever has a session with the node that states this, as both say, gets it from there. */
  #accept(signed: SignedEdges, from: NodeLink | undefined): void {
    const acceptance = this.#o.routes.accept(signed);
    if (acceptance === "ahead") this.#o.outbid(signed.epoch);
    if (acceptance !== "new") return;
    for (const other of this.#o.links) {
      if (other !== from && !this.#o.routes.areJoined(signed.node, other.remote)) {
        other.session.send(signed.frame);
      }
    }
  }

  #read({ node, epoch, version, neighbours }: Edges): EdgeStatement {
    return { node: peerIdText(node), epoch, version, neighbours: neighbours.map(peerIdText) };
  }

  #concerns(statement: EdgeStatement): boolean {
    const own = this.#o.routes.own;
    if (statement.node === own.node) return isNewer(statement, own);
    return this.#o.known(statement.node) || this.#o.vouching.awaits(statement);
  }

  #answer(link: NodeLink, statement: EdgeStatement, frame: Uint8Array): void {
    if (isNewer(this.#o.routes.get(statement.node)!, statement)) link.session.send(frame);
  }
}

type Version = Pick<EdgeStatement, "epoch" | "version">;

function isNewer(a: Version, b: Version): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version);
}

function onWire({ node, epoch, version, neighbours }: EdgeStatement) {
  return { node: peerIdBytes(node), epoch, version, neighbours: neighbours.map(peerIdBytes) };
}
