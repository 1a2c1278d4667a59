/**
 * Unix sockets of `node:net`, on Node and Deno.
 *
 * @module
 */
import { connect, createServer, type Socket } from "node:net";
import type { Pipe, PipeOwner } from "../src/session/lane_socket.ts";
import { joinBytes } from "../src/wire/join_bytes.ts";
import type { UnixSockets } from "./unix_sockets.ts";

export const nodeSockets: UnixSockets = {
  async listen(path, accept) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      const owner = accept();
      join(socket, owner);
      owner.opened(pipeOf(socket, owner));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen({ path, exclusive: true }, resolve); // no business of a cluster's primary
    });
    return {
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    };
  },
  connect(path, owner) {
    const socket = connect(path);
    join(socket, owner);
    socket.once("connect", () => owner.opened(pipeOf(socket, owner)));
  },
};

function join(socket: Socket, owner: PipeOwner): void {
  let trouble: string | undefined;
  socket.on("data", ({ buffer, byteOffset, length }: Uint8Array) => {
    owner.received(new Uint8Array(buffer, byteOffset, length));
  });
  socket.on("error", ({ message }) => void (trouble = message));
  socket.once("close", () => owner.ended(trouble));
}

function pipeOf(socket: Socket, owner: PipeOwner): Pipe {
  const written = (): void => owner.writable();
  return {
    /** The stream takes all, and keeps what it was given: the next is for when the system has had that. */
    write(head, body) {
      if (socket.writableLength > 0 || socket.destroyed) return 0;
      const bytes = joinBytes([head, body]);
      socket.write(bytes, written);
      return bytes.length;
    },
    end: () => socket.end(),
    terminate: () => socket.destroy(),
  };
}
