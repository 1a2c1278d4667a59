import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import { Presence } from "../../src/mesh/presence.ts";
import { wireBytes } from "../../src/mesh/presence_frames.ts";
import type { PresenceEffect, PresenceOptions, Verdict } from "../../src/mesh/presence_types.ts";
import { decodeControl, encodeDigest, encodePresence } from "../../src/wire/frames.ts";
import type { Digest, PresenceDelta } from "../../src/wire/mesh_protocol.ts";
import type { PeerRecord, SignedBytes } from "../../src/wire/protocol.ts";
import { encodeRecordBody, lifetimeError, readRecord } from "../../src/wire/record.ts";

export const START = 1_764_000_000_000;
export const NETWORK = "main";

export type Frame = PresenceDelta | Digest;

/** 32 bytes that stand for a key: presence never computes with it. */
export function keyNumber(family: number, number: number): Uint8Array {
  const key = new Uint8Array(32).fill(family);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}

export const nodeKey = (number: number): Uint8Array => keyNumber(0xee, number);
export const peerKey = (number: number): Uint8Array => keyNumber(0xaa, number);
export const nodeId = (number: number): PeerId => peerIdText(nodeKey(number));
export const peerId = (number: number): PeerId => peerIdText(peerKey(number));

/** A record of a peer with this number at these nodes. */
export function recordOf(peer: number, nodes: number[], fields: Partial<PeerRecord> = {}): PeerRecord {
  return {
    peer: peerKey(peer),
    instance: new Uint8Array(16),
    started: START,
    linkKey: new Uint8Array(32),
    nodes: nodes.map(nodeKey),
    sequence: 0,
    issued: START,
    expires: START + 300_000,
    network: NETWORK,
    ...fields,
  };
}

/** In place of Ed25519: a signature that the body alone determines. */
function signature(body: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64);
  for (let i = 0; i < body.length; i++) signature[i % 64] = (signature[i % 64]! * 31 + body[i]! + 1) & 0xff;
  return signature;
}

export function signed(record: PeerRecord): SignedBytes {
  const body = encodeRecordBody(record);
  return { body, signature: signature(body) };
}

/** As `verifyRecord`, with the signatures of {@link signed}. */
export function verdictOn(bytes: SignedBytes, now: number): Verdict {
  const record = readRecord(bytes);
  if (!record) return { error: "malformed" };
  if (record.network !== NETWORK) return { error: "wrong-network" };
  const untimely = lifetimeError(record, now);
  if (untimely) return { error: untimely };
  return String(signature(bytes.body)) === String(bytes.signature) ? { record } : { error: "bad-signature" };
}

interface Wire {
  frames: Frame[];
}

/** Nodes and what lies on the wires between them. Every frame goes through the codec. */
export class World {
  now: number = START;
  readonly nodes: Presence[];
  readonly effects: PresenceEffect[][];
  readonly #wires = new Map<string, Wire>();
  /** Frames and bytes that were sent. */
  sent: { frames: number; presence: number; entries: number; bytes: number } = {
    frames: 0,
    presence: 0,
    entries: 0,
    bytes: 0,
  };

  constructor(count: number, options: Partial<PresenceOptions> = {}) {
    this.nodes = Array.from({ length: count }, (_, i) => this.make(i, START, options));
    this.effects = this.nodes.map(() => []);
  }

  make(node: number, epoch: number, options: Partial<PresenceOptions> = {}): Presence {
    return new Presence({ node: nodeId(node), epoch, network: NETWORK, ...options });
  }

  connected(a: number, b: number): boolean {
    return this.#wires.has(`${a} ${b}`);
  }

  connect(a: number, b: number): void {
    if (a === b || this.connected(a, b)) return;
    this.#wires.set(`${a} ${b}`, { frames: [] });
    this.#wires.set(`${b} ${a}`, { frames: [] });
    this.act(a, this.nodes[a]!.connected(nodeId(b), this.now));
    this.act(b, this.nodes[b]!.connected(nodeId(a), this.now));
  }

  disconnect(a: number, b: number): void {
    if (!this.connected(a, b)) return;
    this.#wires.delete(`${a} ${b}`);
    this.#wires.delete(`${b} ${a}`);
    this.act(a, this.nodes[a]!.disconnected(nodeId(b), this.now));
    this.act(b, this.nodes[b]!.disconnected(nodeId(a), this.now));
  }

  connectAll(): void {
    for (let a = 0; a < this.nodes.length; a++) for (let b = 0; b < a; b++) this.connect(a, b);
  }

  /** The node's process ends and another one takes its place. */
  restart(node: number): void {
    const others = this.nodes.map((_, i) => i).filter((i) => this.connected(node, i));
    for (const other of others) this.disconnect(node, other);
    this.nodes[node] = this.make(node, this.now);
    for (const other of others) this.connect(node, other);
  }

  here(node: number, record: PeerRecord): string | undefined {
    const { effects, refused } = this.nodes[node]!.here(record, signed(record), this.now);
    this.act(node, effects);
    return refused;
  }

  gone(node: number, peer: number): void {
    this.act(node, this.nodes[node]!.gone(peerId(peer), this.now));
  }

  act(node: number, effects: PresenceEffect[]): void {
    for (const effect of effects) {
      this.effects[node]?.push(effect);
      if (effect.type !== "send") continue;
      for (const to of effect.to) {
        this.#send(
          node,
          this.nodes.findIndex((other) => other.node === to),
          effect.frame,
        );
      }
    }
  }

  #send(from: number, to: number, frame: Frame): void {
    const wire = this.#wires.get(`${from} ${to}`);
    if (!wire) throw new Error(`${from} sends to ${to} without a session`);
    const bytes = frame.kind === "digest" ? encodeDigest(frame) : encodePresence(frame);
    this.sent.frames++;
    this.sent.bytes += bytes.length;
    if (frame.kind === "presence") {
      this.sent.presence++;
      this.sent.entries += frame.entries.length;
      if (wireBytes(frame) !== bytes.length) throw new Error("wireBytes is wrong");
    }
    wire.frames.push(decodeControl(bytes) as Frame);
  }

  receive(to: number, from: number, frame: Frame): void {
    const node = this.nodes[to]!;
    if (frame.kind === "digest") return this.act(to, node.answer(frame, nodeId(from), this.now));
    const verdicts = new Map<SignedBytes, Verdict>();
    for (const bytes of node.unverified(frame, this.now)) verdicts.set(bytes, verdictOn(bytes, this.now));
    this.act(to, node.apply(frame, nodeId(from), this.now, verdicts));
  }

  /** Wires on which something lies, as [from, to, frames]. */
  busy(): [number, number, Frame[]][] {
    const busy = [...this.#wires].filter(([, wire]) => wire.frames.length > 0);
    return busy.map(([name, wire]) => {
      const [from, to] = name.split(" ").map(Number) as [number, number];
      return [from, to, wire.frames];
    });
  }

  /** Delivers everything in order; returns the number of frames. */
  deliver(most: number = 100_000): number {
    let count = 0;
    for (let busy = this.busy(); busy.length > 0; busy = this.busy()) {
      for (const [from, to, frames] of busy) {
        if (++count > most) throw new Error("the nodes never stop talking");
        this.receive(to, from, frames.shift()!);
      }
    }
    return count;
  }

  /** Time passes, nothing is lost. */
  run(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.now += 1000;
      this.nodes.forEach((node, i) => this.act(i, node.tick(this.now)));
      this.deliver();
    }
  }

  /** What a node believes, comparable between nodes. */
  view(node: number): unknown {
    const presence = this.nodes[node]!;
    const origins = presence.origins().filter(({ peers }) => peers > 0)
      .map(({ origin, epoch, peers }) => ({ origin, epoch, peers, at: presence.at(origin).sort() }));
    const peers = new Set(origins.flatMap(({ at }) => at));
    const places = [...peers].sort().map((peer) => {
      const { nodes, record } = presence.find(peer)!;
      return { peer, nodes, sequence: record.sequence, started: record.started };
    });
    const count = presence.count;
    return { origins: origins.sort((a, b) => (a.origin < b.origin ? -1 : 1)), places, count };
  }
}
