import { Buffer } from "node:buffer";
/**
 * As much of a WebSocket client (RFC 6455) as a load generator needs: frames are made once and
 * sent many times, those that arrive are counted and not read. The masking key is zero, which
 * a server cannot tell from any other and which lets the generator keep one copy of each burst.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { FrameReader } from "../frame_reader.ts";

const BINARY = 0x82;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;

/** A whole message from a client. */
export function clientMessage(payload: Uint8Array, head: number = BINARY): Uint8Array {
  const size = payload.length;
  const length = size < 126
    ? [MASKED | size]
    : size < 65_536
    ? [MASKED | 126, size >> 8, size & 255]
    : [MASKED | 127, 0, 0, 0, 0, ...bytesOf(size)];
  const message = new Uint8Array(1 + length.length + 4 + size);
  message[0] = head;
  message.set(length, 1);
  message.set(payload, 1 + length.length + 4);
  return message;
}

function bytesOf(size: number): number[] {
  return [size >>> 24, size >>> 16 & 255, size >>> 8 & 255, size & 255];
}

/** Bytes before the payload of a message from a server, or 0 when more must arrive. */
export function headSize(bytes: Uint8Array, offset: number): number {
  const there = bytes.length - offset;
  if (there < 2) return 0;
  const short = bytes[offset + 1]! & 127;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  return there < head ? 0 : head;
}

/** Bytes of the payload of a message whose head has arrived. */
export function payloadSize(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
  const short = view.getUint8(1) & 127;
  return short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
}

export interface WebSocketEvents {
  /** The upgrade is done; told before any message, since a server may send one with its answer. */
  open?(): void;
  /** How many relayed payloads a message holds, of which the first `there` bytes have arrived; 0: it must be read. */
  counts(bytes: Uint8Array, start: number, size: number): number;
  /** A message that must be read, as a view of this turn. */
  message(payload: Uint8Array): void;
  arrived(count: number): void;
}

/** Bytes of a payload that {@link WebSocketEvents.counts} may look at, if the payload has so many. */
export const PEEK = 8;

function framesOf(socket: Socket, events: WebSocketEvents): FrameReader {
  return new FrameReader({
    length(bytes, offset) {
      const head = headSize(bytes, offset);
      if (head === 0) return 0;
      const size = payloadSize(bytes, offset);
      return bytes.length - offset < head + Math.min(PEEK, size) ? 0 : head + size;
    },
    counts(bytes, offset, length) {
      const head = headSize(bytes, offset);
      return bytes[offset] === BINARY || bytes[offset] === BINARY - 1
        ? events.counts(bytes, offset + head, length - head)
        : 0;
    },
    other(frame) {
      const payload = frame.subarray(headSize(frame, 0));
      if (frame[0] === PING) socket.write(clientMessage(payload, PONG));
      else if (frame[0]! < 0x88) events.message(payload);
    },
  }, (count) => events.arrived(count));
}

/** Upgrades a connection; rejects with the server's status when it refuses. */
export async function upgrade(
  socket: Socket,
  path: string,
  subprotocol: string | undefined,
  events: WebSocketEvents,
): Promise<void> {
  const rest = await requestUpgrade(socket, [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${socket.remotePort}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
  ]);
  const reader = framesOf(socket, events);
  events.open?.();
  socket.on("data", (chunk) => reader.push(chunk as Uint8Array));
  if (rest.length > 0) reader.push(rest);
}

/** Sends an HTTP request and resolves with what follows the head of a 101. */
export function requestUpgrade(socket: Socket, head: string[]): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const read = (chunk: Uint8Array): void => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read as never);
      const status = received.subarray(0, received.indexOf("\r\n")).toString();
      if (status.startsWith("HTTP/1.1 101")) resolve(received.subarray(end + 4));
      else reject(new Error(`the upgrade was refused: ${status}`));
    };
    socket.on("data", read as never);
    socket.once("close", () => reject(new Error("the connection ended before the upgrade")));
    socket.write(head.join("\r\n") + "\r\n\r\n");
  });
}
