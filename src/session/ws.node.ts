/**
 * WebSockets of the npm package `ws`, on Node and Deno, which try every address of a name
 * as RFC 8305 has it: the next one 250 ms after the one before, and none given up for it.
 * Node's own way gives each 250 ms and then ends it: a host with IPv4 alone never reaches
 * a node of both families that is more than 250 ms away.
 *
 * @module
 */
import { lookup, type LookupAddress } from "node:dns";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type ClientOptions, WebSocket } from "ws";
import type { Connect } from "./socket.ts";
import { connectWith, type WebSocketConstructor } from "./web_socket.ts";

/** Milliseconds between the beginnings of two attempts (RFC 8305 §5). */
export const ATTEMPT_DELAY = 250;

/** Where to, as `ws` says it. */
export interface Place {
  host: string;
  port: number;
}

/** Dials with `ws`; `handshakeTimeout`: milliseconds for the connection and HTTP's answer, each. */
export function dialerOf(handshakeTimeout: number): Connect {
  class RacingWebSocket extends WebSocket {
    constructor(url: string, protocols: string) {
      const over = new AbortController();
      const createConnection = (place: Place, done: Done): void => {
        const late = AbortSignal.timeout(handshakeTimeout);
        void open(place, url.startsWith("wss:"), AbortSignal.any([over.signal, late])).then(
          (socket) => done(null, socket),
          (error: Error) => done(late.aborted ? new Error("no connection in time") : error),
        );
      };
      const racing = { createConnection } as unknown as ClientOptions;
      // `ws` offers compression by default; sealed bytes do not compress.
      super(url, protocols, { perMessageDeflate: false, handshakeTimeout, ...racing });
      this.once("close", () => over.abort());
    }
  }
  return connectWith(RacingWebSocket as unknown as WebSocketConstructor, { binary: NODE_BUFFER });
}

/** Views of what was read: `ws` would copy each into an `ArrayBuffer`. A `Buffer`'s `slice` is no copy, so nobody gets one. */
const NODE_BUFFER = {
  type: "nodebuffer",
  read: ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
    new Uint8Array(buffer, byteOffset, length),
};

type Done = (error: Error | null, socket?: Socket) => void;

async function open({ host, port }: Place, secure: boolean, signal: AbortSignal): Promise<Socket> {
  const socket = await race(alternate(await addressesOf(host)), port, signal);
  return secure ? connectTls({ socket, servername: isIP(host) ? "" : host }) : socket;
}

function addressesOf(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => error ? reject(error) : resolve(addresses));
  });
}

/** One of each family in turn, the resolver's first choice first (RFC 8305 §4). */
export function alternate<T extends { family: number }>(addresses: T[]): T[] {
  const first = addresses.filter(({ family }) => family === addresses[0]!.family);
  const second = addresses.filter((each) => !first.includes(each));
  return first.flatMap((each, i) => second.slice(i, i + 1).toSpliced(0, 0, each))
    .concat(second.slice(first.length));
}

/** Begins one connection. */
export type Dial = (place: Place) => Socket;

/**
 * The first connection that comes about; the others are dropped.
 *
 * @throws {Error} what the last attempt failed with, or the signal's reason.
 */
export function race(
  addresses: LookupAddress[],
  port: number,
  signal: AbortSignal,
  dial: Dial = connect,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const waiting = [...addresses];
    const trying = new Set<Socket>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      for (const socket of trying) socket.destroy();
      act();
    };
    const aborted = (): void => settle(() => reject(signal.reason));
    const next = (): void => {
      clearTimeout(timer);
      const socket = dial({ host: waiting.shift()!.address, port });
      trying.add(socket);
      const failed = (error: Error): void => {
        trying.delete(socket);
        if (waiting.length > 0) next();
        else if (trying.size === 0) settle(() => reject(error));
      };
      socket.once("error", failed).once("connect", () => {
        trying.delete(socket);
        socket.off("error", failed);
        settle(() => resolve(socket));
      });
      if (waiting.length > 0) timer = setTimeout(next, ATTEMPT_DELAY);
    };
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
    else next();
  });
}
