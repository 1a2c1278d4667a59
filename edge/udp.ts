/**
 * UDP on Bun, Deno and Node: all three have `node:dgram`.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import type { BindUdp, UdpSocket } from "../src/rendezvous/stun_service.ts";
import { ipText, parseAddress } from "../src/stun/address.ts";

export const bindUdp: BindUdp = async ({ host, port }, received) => {
  const socket = host.includes(":")
    ? createSocket({ type: "udp6", ipv6Only: true })
    : createSocket({ type: "udp4" });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  // ICMP errors arrive as "error" on Bun: without a listener a stranger could end the process.
  socket.on("error", () => {});
  socket.on("message", (datagram, { address, port }) => {
    const source = parseAddress(address, port);
    if (source !== undefined) received(datagram, source);
  });
  return udpSocket(socket);
};

function udpSocket(socket: Socket): UdpSocket {
  return {
    port: socket.address().port,
    send(datagram, to, failed) {
      try {
        socket.send(datagram, to.port, ipText(to), (error) => void (error && failed?.()));
      } catch {
        failed?.(); // a port of 0 is thrown back at once, as is a socket that was closed meanwhile
      }
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
