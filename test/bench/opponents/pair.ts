/** A pair of TCP clients, for every protocol in which a burst is its frames one behind the other. */
import type { Socket } from "node:net";
import { concatFrames } from "../../../src/wire/sequence.ts";
import type { Pair } from "./opponent.ts";

export interface Client {
  socket: Socket;
  /** Told how many frames have arrived. */
  arrived(count: number): void;
}

/** `frame`: what the sender writes for one payload of so many bytes. */
export function pairOfClients(sender: Client, receiver: Client, frame: (size: number) => Uint8Array): Pair {
  const pair: Pair = {
    burst(size, count) {
      const one = frame(size);
      return concatFrames(Array.from({ length: count }, () => one));
    },
    write: (bytes) => void sender.socket.write(bytes),
    arrived() {},
    close: () => [sender, receiver].forEach(({ socket }) => socket.destroy()),
  };
  receiver.arrived = (count) => pair.arrived(count);
  return pair;
}
