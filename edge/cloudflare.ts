/**
 * A node on Cloudflare: a Worker at the door, a Durable Object for each peer, whose WebSocket sleeps
 * with it, and one gateway object. `deploy/cloudflare/worker.ts` puts these parts together.
 *
 * @module
 */
import { identityFromSeed } from "../src/identity/identity.ts";
import type { PeerId } from "../src/identity/peer_id.ts";
import { decodePem } from "../src/identity/pem.ts";
import { type Admission, PEER_ID } from "../src/rendezvous/admission.ts";
import { pages } from "../src/rendezvous/dashboard.ts";
import type { KeptSession } from "../src/rendezvous/kept_session.ts";
import type { RendezvousNode } from "../src/rendezvous/node.ts";
import type { NodeOptions } from "../src/rendezvous/node_options.ts";
import { type KeptGuest, ObjectGateway, type Shelf } from "../src/rendezvous/object_gateway.ts";
import { ObjectPeer } from "../src/rendezvous/object_peer.ts";
import type { GatewayPort, ObjectPorts, PeerPort } from "../src/rendezvous/object_ports.ts";
import { LiveSession } from "../src/session/live_session.ts";
import type { Socket, SocketHandlers } from "../src/session/socket.ts";
import { connectWith, type WebSocketConstructor } from "../src/session/web_socket.ts";
import { closeCode } from "../src/wire/reason.ts";
import { Reason, SUBPROTOCOL } from "../src/wire/protocol.ts";
import type {
  Bindings,
  GatewayObject,
  ObjectBase,
  ObjectState,
  PeerObject,
  PlatformSocket,
} from "./cloudflare_types.ts";
import { type Environment, settings, text } from "./environment.ts";

export type * from "./cloudflare_types.ts";

declare const WebSocketPair: new () => { 0: WebSocket; 1: PlatformSocket };
declare const WebSocketRequestResponsePair: new (request: string, response: string) => unknown;

/** Milliseconds between two looks of the gateway: for peers that left without a word, and, in a mesh, at its sessions. */
const LOOK = 300_000;
const MESH_LOOK = 30_000;

/** What every object of a deployment is: one node, with one key. */
async function nodeOptions(env: Environment): Promise<NodeOptions> {
  const pem = text(env, "WAYMEET_KEY");
  if (pem === undefined) {
    throw new TypeError("WAYMEET_KEY is a secret with the node's key: `openssl genpkey -algorithm ed25519`");
  }
  const { names, mesh: _, chat: __, ...rest } = settings(env);
  return { ...rest, identity: await identityFromSeed(decodePem(pem)), hosts: names };
}

function objectName(env: Environment, peer: string): string {
  return `${text(env, "WAYMEET_NETWORK") ?? "default"}/${peer}`;
}

/** One stub as long as it works, so that calls keep their order; after an error a new one (Durable Objects, "Error handling"). */
function steady<Port extends object>(make: () => Port): Port {
  let stub = make();
  return new Proxy({} as Port, {
    get: (_, method: string) => async (...words: unknown[]) => {
      const called = stub;
      try {
        return await (called as Record<string, (...words: unknown[]) => Promise<unknown>>)[method]!(...words);
      } catch (error) {
        if (stub === called) stub = make();
        throw error;
      }
    },
  });
}

function peerPort(env: Bindings, id: PeerId): PeerPort {
  return steady<PeerPort>(() => env.PEERS.get(env.PEERS.idFromName(objectName(env, id))));
}

function gatewayPort(env: Bindings): GatewayPort {
  return steady<GatewayPort>(() => env.GATEWAY.get(env.GATEWAY.idFromName(objectName(env, "gateway"))));
}

/** A program that embeds the node: told of it when it begins, in each object. */
export interface ObjectHooks {
  began?(node: RendezvousNode): void;
}

/** The class of the peers' objects: `export class Peers extends peerObject(DurableObject) {}`. */
export function peerObject(
  Base: ObjectBase,
  hooks: ObjectHooks = {},
): new (state: ObjectState, env: Bindings) => PeerObject {
  return class extends Base implements PeerObject {
    readonly #state: ObjectState;
    readonly #sockets = new Map<PlatformSocket, SocketHandlers>();
    #peer!: ObjectPeer;
    #saving = false;

    constructor(state: ObjectState, env: Bindings) {
      super(state, env);
      this.#state = state;
      // While the object sleeps, the platform answers for it.
      state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
      state.blockConcurrencyWhile(() => this.#begin(env));
    }

    async #begin(env: Bindings): Promise<void> {
      const gateway = gatewayPort(env);
      const ports: ObjectPorts = { peer: (id) => peerPort(env, id), gateway };
      const meshed = settings(env).mesh !== undefined;
      this.#peer = new ObjectPeer(await nodeOptions(env), ports, meshed, () => this.#changed());
      hooks.began?.(this.#peer.node);
      for (const socket of this.#state.getWebSockets()) this.#wake(socket);
    }

    #wake(socket: PlatformSocket): void {
      const kept = socket.deserializeAttachment() as KeptSession | null;
      if (kept) this.#sockets.set(socket, this.#peer.resume(new ObjectSocket(socket), kept));
      else {new ObjectSocket(socket).close(
          closeCode(Reason.handshakeTimeout),
          "the handshake was interrupted",
        );}
    }

    async fetch(request: Request): Promise<Response> {
      const upgrade = (admission: Admission) => this.#upgrade(admission);
      return await this.#peer.node.app.fetch(request, { upgrade, address: addressOf(request) });
    }

    #upgrade(admission: Admission): Response | undefined {
      const { 0: client, 1: server } = new WebSocketPair();
      this.#state.acceptWebSocket(server);
      const handlers = admission.open(new ObjectSocket(server));
      if (handlers === undefined) return undefined;
      this.#sockets.set(server, handlers);
      const headers = { "Sec-WebSocket-Protocol": SUBPROTOCOL };
      return new Response(null, { status: 101, webSocket: client, headers } as ResponseInit);
    }

    webSocketMessage(socket: PlatformSocket, message: ArrayBuffer | string): void {
      this.#peer.active();
      this.#sockets.get(socket)?.message(typeof message === "string" ? message : new Uint8Array(message));
    }

    webSocketClose(socket: PlatformSocket, code: number, reason: string): void {
      this.#closed(socket, code, reason);
      new ObjectSocket(socket).close(code === 1005 || code === 1006 ? 1000 : code, reason);
    }

    webSocketError(socket: PlatformSocket): void {
      this.#closed(socket, 1006, "");
    }

    #closed(socket: PlatformSocket, code: number, reason: string): void {
      const handlers = this.#sockets.get(socket);
      this.#sockets.delete(socket);
      handlers?.closed(code, reason);
    }

    /** Once in a turn of the event loop. */
    #changed(): void {
      if (this.#saving) return;
      this.#saving = true;
      queueMicrotask(() => {
        this.#saving = false;
        this.#save();
      });
    }

    #save(): void {
      const { kept } = this.#peer;
      for (const [socket, handlers] of this.#sockets) {
        const stands = handlers instanceof LiveSession && handlers.id === kept?.session;
        if (stands) socket.serializeAttachment(kept);
      }
    }

    take(...words: Parameters<PeerPort["take"]>): ReturnType<PeerPort["take"]> {
      return this.#peer.take(...words);
    }
    tell(...words: Parameters<PeerPort["tell"]>): ReturnType<PeerPort["tell"]> {
      return this.#peer.tell(...words);
    }
    find(...words: Parameters<PeerPort["find"]>): ReturnType<PeerPort["find"]> {
      return this.#peer.find(...words);
    }
    end(...words: Parameters<PeerPort["end"]>): ReturnType<PeerPort["end"]> {
      return this.#peer.end(...words);
    }
    present(): ReturnType<PeerPort["present"]> {
      return this.#peer.present();
    }
  };
}

/** A WebSocket of the platform behind the {@link Socket} port. */
class ObjectSocket implements Socket {
  readonly #socket: PlatformSocket;

  constructor(socket: PlatformSocket) {
    this.#socket = socket;
  }
  get buffered(): number {
    return this.#socket.bufferedAmount ?? 0;
  }
  send(message: Uint8Array | string): number {
    try {
      this.#socket.send(message);
      return this.buffered;
    } catch {
      return -1; // it is closed
    }
  }
  close(code: number, reason: string): void {
    try {
      this.#socket.close(code, reason);
    } catch {
      // it was closed before
    }
  }
  terminate(): void {
    this.close(1000, "");
  }
}

/** The class of the gateway: `export class Gateway extends gatewayObject(DurableObject) {}`. */
export function gatewayObject(
  Base: ObjectBase,
  hooks: ObjectHooks = {},
): new (state: ObjectState, env: Bindings) => GatewayObject {
  return class extends Base implements GatewayObject {
    readonly #state: ObjectState;
    readonly #env: Bindings;
    #gateway!: ObjectGateway;

    constructor(state: ObjectState, env: Bindings) {
      super(state, env);
      this.#state = state;
      this.#env = env;
      state.blockConcurrencyWhile(() => this.#begin());
    }

    async #begin(): Promise<void> {
      const { mesh, chat } = settings(this.#env);
      const connect = connectWith(WebSocket as unknown as WebSocketConstructor);
      const own = { mesh, connect, chat: chat ? await pages() : undefined };
      const options = { ...await nodeOptions(this.#env), ...own };
      this.#gateway = new ObjectGateway(options, (id) => peerPort(this.#env, id), shelf(this.#state));
      hooks.began?.(this.#gateway.node);
      await this.#gateway.restore();
      if (mesh || this.#gateway.node.sessions > 0) await this.#rise();
    }

    /** Sleep is over again in a while: there are peers to look after, or other nodes. */
    async #rise(): Promise<void> {
      if (await this.#state.storage.getAlarm() !== null) return;
      await this.#state.storage.setAlarm(Date.now() + (settings(this.#env).mesh ? MESH_LOOK : LOOK));
    }

    async alarm(): Promise<void> {
      await this.#gateway.sweep();
      if (settings(this.#env).mesh || this.#gateway.node.sessions > 0) await this.#rise();
    }

    async fetch(request: Request): Promise<Response> {
      if (new URL(request.url).pathname === "/v1/drain") return await this.#drain(request);
      const bindings = { upgrade: () => undefined, address: addressOf(request) };
      return await this.#gateway.node.app.fetch(request, bindings);
    }

    /** A platform that replaces objects sends no SIGTERM, so the operator says it. DELETE takes it back. */
    async #drain(request: Request): Promise<Response> {
      const token = text(this.#env, "WAYMEET_OPERATOR_TOKEN");
      if (!token || !await same(request.headers.get("authorization") ?? "", `Bearer ${token}`)) {
        return new Response("send `Authorization: Bearer` with WAYMEET_OPERATOR_TOKEN\n", { status: 401 });
      }
      if (request.method === "DELETE") {
        this.#state.abort("the operator takes the drain back: a new object begins");
        return new Response(null, { status: 204 });
      }
      if (request.method !== "POST") {
        return new Response(null, { status: 405, headers: { Allow: "POST, DELETE" } });
      }
      const all = await this.#gateway.node.drain();
      return new Response(all ? "all peers are gone\n" : "some peers are still here\n", {
        status: all ? 200 : 504,
      });
    }

    async arrived(...words: Parameters<GatewayPort["arrived"]>): Promise<void> {
      await this.#gateway.arrived(...words);
      await this.#rise();
    }
    enter(...words: Parameters<GatewayPort["enter"]>): ReturnType<GatewayPort["enter"]> {
      return this.#gateway.enter(...words);
    }
    left(...words: Parameters<GatewayPort["left"]>): Promise<void> {
      return this.#gateway.left(...words);
    }
    control(...words: Parameters<GatewayPort["control"]>): Promise<void> {
      return this.#gateway.control(...words);
    }
    forward(...words: Parameters<GatewayPort["forward"]>): Promise<void> {
      return this.#gateway.forward(...words);
    }
    find(...words: Parameters<GatewayPort["find"]>): ReturnType<GatewayPort["find"]> {
      return this.#gateway.find(...words);
    }
    count(...words: Parameters<GatewayPort["count"]>): Promise<void> {
      return this.#gateway.count(...words);
    }
  };
}

/** What the gateway keeps, in the object's storage: gone with the peer. */
function shelf({ storage: { kv } }: ObjectState): Shelf {
  const prefix = "peer/";
  return {
    put: (peer, kept) => kv.put(prefix + peer, kept),
    remove: (peer) => void kv.delete(prefix + peer),
    *all() {
      for (const [key, kept] of kv.list({ prefix })) {
        yield [key.slice(prefix.length) as PeerId, kept as KeptGuest];
      }
    },
  };
}

/** By their digests, so that the time it takes tells nothing of where they differ. */
async function same(one: string, other: string): Promise<boolean> {
  const digest = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const [a, b] = [await digest(one), await digest(other)];
  return a.reduce((difference, byte, i) => difference | byte ^ b[i]!, 0) === 0;
}

function addressOf(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? "";
}

/** The Worker: a WebSocket of ours goes to the object of its peer, everything else to the gateway. */
export const worker: { fetch(request: Request, env: Bindings): Promise<Response> } = {
  async fetch(request, env) {
    const peer = /^\/v1\/connect\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
    const wanted = PEER_ID.test(peer) && isUpgrade(request) ? env.PEERS : env.GATEWAY;
    const name = objectName(env, wanted === env.PEERS ? peer : "gateway");
    return await wanted.get(wanted.idFromName(name)).fetch(request);
  },
};

/** A stranger without our subprotocol wakes no object of a peer. */
function isUpgrade({ headers }: Request): boolean {
  const offered = (headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  return headers.get("upgrade")?.toLowerCase() === "websocket" && offered.includes(SUBPROTOCOL);
}
