/** A TCP proxy on loopback that is far away: every byte takes some time in each direction. */
import { connect, createServer, type Socket } from "node:net";

export interface DelayProxy {
  port: number;
  close(): void;
}

/** Half of `roundTrip` milliseconds each way. Opening a connection to it costs no round trip, what is said does. */
export async function delayProxy(target: number, roundTrip: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      passes(from, to, roundTrip / 2);
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  return {
    port: address.port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Timers of one length fire in the order they were set, so bytes stay in order. */
function passes(from: Socket, to: Socket, delay: number): void {
  from.on("data", (chunk) => setTimeout(() => to.writable && to.write(chunk), delay));
  from.on("end", () => setTimeout(() => to.end(), delay));
  from.on("error", () => to.destroy());
}
