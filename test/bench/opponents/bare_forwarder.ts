/**
 * The least that a relay on Bun can do: two sockets that ask for one path are a pair, and what
 * the first sends goes to the second, unread.
 */
interface BunSocket {
  data: Place;
  sendBinary(message: Uint8Array): number;
}
interface Place {
  path: string;
  other: BunSocket | undefined;
}
interface BunServer {
  port: number;
  upgrade(request: Request, options: { data: Place }): boolean;
}
declare const Bun: { serve(options: Record<string, unknown>): BunServer };

const waiting = new Map<string, BunSocket>();
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request: Request, server: BunServer) => {
    const data = { path: new URL(request.url).pathname, other: undefined };
    return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    maxPayloadLength: 2 ** 20,
    open(socket: BunSocket) {
      const first = waiting.get(socket.data.path);
      if (first === undefined) return waiting.set(socket.data.path, socket);
      waiting.delete(socket.data.path);
      first.data.other = socket;
    },
    message: (socket: BunSocket, message: Uint8Array) => socket.data.other?.sendBinary(message),
  },
});
console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.port}` }));
