/** Peers as these tests need them: sessions that write down what they hear. */
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import { systemClock } from "../../src/session/clock.ts";
import { dialSession } from "../../src/session/dial.ts";
import type { Session, SessionEnd, SessionHandlers } from "../../src/session/session.ts";
import type { Connect } from "../../src/session/socket.ts";
import type { Admission } from "../../src/rendezvous/admission.ts";
import { type NodeOptions, RendezvousNode } from "../../src/rendezvous/node.ts";
import { dataPayload, encodeData, peerOf } from "../../src/wire/data_frame.ts";
import { encodePublish } from "../../src/wire/frames.ts";
import type { Control, Hello, PeerRecord } from "../../src/wire/protocol.ts";
import { signRecord } from "../../src/wire/record.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { type MemorySocket, memorySockets } from "./memory_socket.ts";

export interface Heard {
  from: Uint8Array;
  payload: Uint8Array;
}

/** A peer's session and what came over it. */
export class TestPeer implements SessionHandlers {
  readonly identity: Identity;
  readonly heard: Heard[] = [];
  readonly frames: Control[] = [];
  /** WebSocket messages that held data. */
  messages = 0;
  isReady = false;
  end: SessionEnd | undefined;
  session!: Session;
  /** The node's end of the connection, in memory. */
  nodeSocket: MemorySocket | undefined;
  #dataInMessage = false;

  constructor(identity: Identity) {
    this.identity = identity;
  }
  get key(): Uint8Array {
    return this.identity.publicKey;
  }
  ready(): void {
    this.isReady = true;
  }
  data(_session: Session, message: Uint8Array, start: number, end: number): void {
    this.#dataInMessage = true;
    this.heard.push({
      from: peerOf(message, start).slice(),
      payload: dataPayload(message, start, end).slice(),
    });
  }
  endOfMessage(): void {
    if (this.#dataInMessage) this.messages++;
    this.#dataInMessage = false;
  }
  control(_session: Session, frame: Control): void {
    this.frames.push(frame);
  }
  closed(_session: Session, end: SessionEnd): void {
    this.end = end;
  }

  send(to: TestPeer | Uint8Array, payload: Uint8Array): void {
    this.session.sendBatch(encodeData(to instanceof Uint8Array ? to : to.key, payload));
  }
  /** All in one WebSocket message. */
  sendAll(...frames: [TestPeer | Uint8Array, Uint8Array][]): void {
    const encoded = frames.map(([to, payload]) =>
      encodeData(to instanceof Uint8Array ? to : to.key, payload)
    );
    this.session.sendBatch(concatFrames(encoded));
  }
  notices(): { reason: number; peer: Uint8Array }[] {
    return this.frames.filter((frame) => frame.kind === "notice");
  }
  found(): Extract<Control, { kind: "found" }>[] {
    return this.frames.filter((frame) => frame.kind === "found");
  }
}

export interface PeerOptions {
  identity?: Identity;
  network?: string;
  instance?: Uint8Array;
  started?: number;
  agent?: string;
  token?: string;
  role?: 0 | 1;
  early?: (hello: Hello) => Promise<Uint8Array[]>;
}

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** Begins to dial; the session is perhaps not ready yet. */
export async function dialling(url: string, connect: Connect, options: PeerOptions = {}): Promise<TestPeer> {
  const peer = new TestPeer(options.identity ?? await generateIdentity());
  peer.session = dialSession({
    url,
    identity: peer.identity,
    network: options.network ?? "default",
    instance: options.instance ?? random(16),
    started: options.started ?? Date.now(),
    agent: options.agent ?? "test/1",
    token: options.token,
    role: options.role,
    early: options.early,
    connect,
    clock: systemClock,
    random,
    handlers: peer,
  });
  return peer;
}

/** The connection of a peer to a node without a server. */
export function memoryConnect(node: RendezvousNode, opened?: (node: MemorySocket) => void): Connect {
  return (url, handlers) => {
    const [client, server] = memorySockets();
    client.handlers = handlers;
    const admitted = node.admit(url.split("/").at(-1)!, "192.0.2.1");
    if ("status" in admitted) setTimeout(() => handlers.closed(1006, String(admitted.status)));
    else setTimeout(() => open(admitted, client, server));
    opened?.(server);
    return client;
  };
}

function open(admission: Admission, client: MemorySocket, server: MemorySocket): void {
  client.handlers!.open?.();
  server.handlers = admission.open(server);
}

export async function meetInMemory(node: RendezvousNode, options: PeerOptions = {}): Promise<TestPeer> {
  let nodeSocket: MemorySocket | undefined;
  const connect = memoryConnect(node, (socket) => nodeSocket = socket);
  const peer = await dialling("ws://127.0.0.1", connect, options);
  peer.nodeSocket = nodeSocket;
  await until(() => peer.isReady || peer.end !== undefined);
  return peer;
}

const nodes = new Set<RendezvousNode>();

/** For `afterEach`: sessions keep a process alive. */
export async function stopNodes(): Promise<void> {
  await Promise.all([...nodes].map((node) => node.drain(0)));
  nodes.clear();
}

export async function memoryNode(options: Partial<NodeOptions> = {}): Promise<RendezvousNode> {
  const node = new RendezvousNode({
    identity: await generateIdentity(),
    access: { kind: "open" },
    hosts: "any",
    publicMetrics: true,
    ...options,
  });
  nodes.add(node);
  return node;
}

/** Waits until it is so; a test that waits five seconds has failed. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1000) throw new Error(`waited in vain until ${condition}`);
    await sleep(tries < 50 ? 1 : 5);
  }
}

/** Long enough for everything under way in memory to arrive. */
export function settle(): Promise<void> {
  return sleep(20);
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function texts(heard: Heard[]): string[] {
  return heard.map(({ payload }) => new TextDecoder().decode(payload));
}

/** A publish frame of `peer` for these nodes. */
export async function publishOf(
  peer: TestPeer | { identity: Identity },
  nodes: Uint8Array[],
  changes: Partial<PeerRecord> = {},
): Promise<Uint8Array> {
  const issued = Date.now();
  const record = {
    peer: peer.identity.publicKey,
    instance: new Uint8Array(16).fill(1),
    started: issued - 1000,
    linkKey: new Uint8Array(32).fill(9),
    nodes,
    sequence: 1,
    issued,
    expires: issued + 60_000,
    network: "default",
    ...changes,
  };
  return encodePublish(await signRecord(peer.identity, record));
}
