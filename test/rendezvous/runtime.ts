/** The adapter and the WebSocket client of the runtime that runs these tests. */
import { WebSocket as WsWebSocket } from "ws";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import type { Connect, SocketHandlers } from "../../src/session/socket.ts";
import { SUBPROTOCOL } from "../../src/wire/protocol.ts";

const globals = globalThis as { Bun?: unknown; Deno?: unknown };
export const runtime: "bun" | "deno" | "node" = globals.Bun ? "bun" : globals.Deno ? "deno" : "node";

export async function serve(options: ServeOptions): Promise<RunningNode> {
  const adapter: { serve(options: ServeOptions): Promise<RunningNode> } = await import(
    `../../edge/${runtime}.ts`
  );
  return await adapter.serve(options);
}

/** Deno's own client stalls on frames of some sizes and Node 20 has none, so there it is `ws`. */
const Client = (runtime === "bun" ? WebSocket : WsWebSocket) as typeof WebSocket;

export const connect: Connect = (url, handlers) => {
  const ws = new Client(url, SUBPROTOCOL);
  ws.binaryType = "arraybuffer";
  listen(ws, handlers);
  return {
    get buffered() {
      return ws.bufferedAmount;
    },
    send(message) {
      if (ws.readyState !== ws.OPEN) return -1;
      ws.send(message as Uint8Array<ArrayBuffer>);
      return ws.bufferedAmount;
    },
    close: (code, reason) => ws.close(code, reason),
    terminate: () => "terminate" in ws ? (ws as unknown as WsWebSocket).terminate() : ws.close(),
  };
};

function listen(ws: WebSocket, handlers: SocketHandlers): void {
  ws.onopen = () => handlers.open?.();
  ws.onmessage = ({ data }) => handlers.message(typeof data === "string" ? data : new Uint8Array(data));
  ws.onerror = () => {};
  ws.onclose = ({ code, reason }) => handlers.closed(code, reason);
}
