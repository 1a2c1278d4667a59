/**
 * Dials other nodes with the npm package `ws`, on Node and Deno.
 *
 * @module
 */
import { WebSocket } from "ws";
import type { Connect } from "../src/session/socket.ts";
import { connectWith, type WebSocketConstructor } from "../src/session/web_socket.ts";

/** `ws` offers compression by default; sealed bytes do not compress. */
class PlainWebSocket extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols, { perMessageDeflate: false, handshakeTimeout: 5_000 });
  }
}

export const connect: Connect = connectWith(PlainWebSocket as unknown as WebSocketConstructor);
