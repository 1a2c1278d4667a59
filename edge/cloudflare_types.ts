/** Cloudflare's runtime as far as `cloudflare.ts` needs it: its global types clash with those of the others. */
import type { GatewayPort, PeerPort } from "../src/rendezvous/object_ports.ts";
import type { Environment } from "./environment.ts";

/** The server's end of a WebSocket that sleeps with its object. */
export interface PlatformSocket {
  readonly bufferedAmount?: number;
  send(message: Uint8Array | string): void;
  close(code: number, reason: string): void;
  serializeAttachment(value: unknown): void;
  deserializeAttachment(): unknown;
}

/** What an object gets from the platform. */
export interface ObjectState {
  readonly storage: {
    readonly kv: {
      get(key: string): unknown;
      put(key: string, value: unknown): void;
      delete(key: string): boolean;
      list(options: { prefix: string }): Iterable<[string, unknown]>;
    };
    getAlarm(): Promise<number | null>;
    setAlarm(time: number): Promise<void>;
  };
  acceptWebSocket(socket: PlatformSocket): void;
  getWebSockets(): PlatformSocket[];
  setWebSocketAutoResponse(pair: unknown): void;
  blockConcurrencyWhile(work: () => Promise<void>): void;
  abort(reason: string): void;
}

/** `DurableObject` of `cloudflare:workers`. */
export type ObjectBase = new (state: ObjectState, env: Bindings) => object;

/** A namespace of objects, whose stubs have the methods `Port`. */
export interface ObjectNamespace<Port> {
  idFromName(name: string): unknown;
  get(id: unknown): Port & { fetch(request: Request): Promise<Response> };
}

/** What `wrangler.jsonc` binds, beside the variables of {@link Environment}. */
export interface Bindings extends Environment {
  readonly PEERS: ObjectNamespace<PeerPort>;
  readonly GATEWAY: ObjectNamespace<GatewayPort>;
}

/** The object of one peer, as the platform calls it. */
export interface PeerObject extends PeerPort {
  fetch(request: Request): Promise<Response>;
  webSocketMessage(socket: PlatformSocket, message: ArrayBuffer | string): void;
  webSocketClose(socket: PlatformSocket, code: number, reason: string): void;
  webSocketError(socket: PlatformSocket): void;
}

/** The gateway, as the platform calls it. */
export interface GatewayObject extends GatewayPort {
  fetch(request: Request): Promise<Response>;
  alarm(): Promise<void>;
}
