/** A TCP connection of a stranger who writes HTTP and WebSocket frames by hand. */
import { connect, type Socket } from "node:net";
import type { RunningNode } from "../../src/rendezvous/serve.ts";

export interface RawSocket {
  socket: Socket;
  /** All that came, as Latin-1. */
  heard: () => string;
  /** The other side said that it sends no more. */
  ended: () => boolean;
  closed: () => boolean;
}

/** `halfOpen`: goes on when the other side has hung up, as no honest client would. */
export async function rawSocket(
  node: RunningNode,
  { halfOpen = false, from = "127.0.0.1" }: { halfOpen?: boolean; from?: string } = {},
): Promise<RawSocket> {
  const port = Number(new URL(node.url).port);
  const socket = connect({ port, host: "127.0.0.1", localAddress: from, allowHalfOpen: halfOpen });
  let [heard, ended, closed] = ["", false, false];
  socket.on("data", (data) => heard += data.toString("latin1"));
  socket.on("end", () => ended = true).on("close", () => closed = true).on("error", () => closed = true);
  await new Promise((resolve, reject) => void socket.once("connect", resolve).once("error", reject));
  return { socket, heard: () => heard, ended: () => ended, closed: () => closed };
}

/** An upgrade as RFC 6455 §4.1 has it; `more` lines of headers. */
export function upgradeRequest(path: string, ...more: string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: waymeet.1",
    ...more,
    "",
    "",
  ].join("\r\n");
}
