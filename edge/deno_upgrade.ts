/**
 * WebSockets on Deno and Deno Deploy.
 *
 * @module
 */
import type { Admission } from "../src/rendezvous/admission.ts";
import type { Upgrade } from "../src/rendezvous/app.ts";
import type { Socket } from "../src/session/socket.ts";
import { MAX_MESSAGE } from "../src/wire/limits.ts";
import { SUBPROTOCOL } from "../src/wire/protocol.ts";

/** Deno's globals as far as this file needs them: a global `Deno` does not pass `tsc`. */
declare const Deno: {
  upgradeWebSocket(
    request: Request,
    options: { protocol: string; idleTimeout: number },
  ): { socket: WebSocket; response: Response };
};

const OPEN = 1;

/** Deno has no `terminate`: its sockets end with the closing handshake, or with the connection. */
class DenoSocket implements Socket {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }
  get buffered(): number {
    return this.#ws.bufferedAmount;
  }
  send(message: Uint8Array | string): number {
    if (this.#ws.readyState !== OPEN) return -1;
    this.#ws.send(message as Uint8Array<ArrayBuffer> | string);
    return this.#ws.bufferedAmount;
  }
  close(code: number, reason: string): void {
    if (this.#ws.readyState <= OPEN) this.#ws.close(code, reason);
  }
  terminate(): void {
    this.close(1000, "");
  }
}

/** The binding `upgrade` of the node's app for one request: `app.fetch(request, { upgrade: upgrader(request) })`. */
export function upgrader(request: Request): Upgrade {
  return (admission) => {
    // Sessions have their own liveness: after 30 s Deno would close those that are idle but healthy.
    const { socket, response } = Deno.upgradeWebSocket(onlyOurs(request), {
      protocol: SUBPROTOCOL,
      idleTimeout: 0,
    });
    attach(socket, admission);
    return response;
  };
}

/**
 * Of what a client offers, our subprotocol alone: Deno splits the list at `, ` only, and refuses
 * clients that leave out the space, which is optional (RFC 9110 §5.6.1).
 */
function onlyOurs(request: Request): Request {
  const name = "sec-websocket-protocol";
  if (request.headers.get(name) === SUBPROTOCOL) return request;
  const headers = new Headers(request.headers);
  headers.set(name, SUBPROTOCOL);
  return Object.defineProperty(request, "headers", { value: headers });
}

function attach(ws: WebSocket, admission: Admission): void {
  ws.binaryType = "arraybuffer";
  ws.onclose = () => admission.release();
  ws.onerror = () => {}; // "close" follows and says the same
  ws.onopen = () => {
    const handlers = admission.open(new DenoSocket(ws));
    if (handlers === undefined) return ws.close();
    ws.onclose = ({ code, reason }) => handlers.closed(code, reason);
    ws.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      // Deno itself takes messages of up to 64 MiB.
      if (typeof data !== "string" && data.byteLength > MAX_MESSAGE) {
        return ws.close(4007, "message too large");
      }
      handlers.message(typeof data === "string" ? data : new Uint8Array(data));
    };
  };
}
