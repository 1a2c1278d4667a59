/** The least that a relay on Bun can do: sends each message to the other socket, unread. */
interface BunSocket {
  sendBinary(message: Uint8Array): number;
}
interface BunServer {
  port: number;
  upgrade(request: Request): boolean;
}
declare const Bun: { serve(options: Record<string, unknown>): BunServer };

const sockets: BunSocket[] = [];
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request: Request, server: BunServer) =>
    server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    maxPayloadLength: 2 ** 20,
    open: (socket: BunSocket) => void sockets.push(socket),
    message(socket: BunSocket, message: Uint8Array) {
      sockets[socket === sockets[0] ? 1 : 0]?.sendBinary(message);
    },
  },
});
console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.port}` }));
