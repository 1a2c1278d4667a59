/** A WebSocket over a socket of one's own, so that a test can stop reading. */
import { connect as tcpConnect, type Socket as TcpSocket } from "node:net";
import type { Connect, SocketHandlers } from "../../src/session/socket.ts";
import { SUBPROTOCOL } from "../../src/wire/protocol.ts";

/** Of the latest connection. */
export const cut: { stopReading(): void; hangUp(): void } = { stopReading() {}, hangUp() {} };

export const deafConnect: Connect = (url, handlers) => {
  const { port, pathname } = new URL(url);
  const tcp = tcpConnect(Number(port), "127.0.0.1");
  cut.stopReading = () => void tcp.pause();
  cut.hangUp = () => void tcp.destroy();
  tcp.on("connect", () =>
    tcp.write(
      `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    ));
  tcp.on("error", () => {});
  tcp.on("close", () => handlers.closed(1006, ""));
  read(tcp, handlers);
  return {
    buffered: 0,
    send(message) {
      tcp.write(masked(message as Uint8Array));
      return 0;
    },
    close() {},
    terminate: () => void tcp.destroy(),
  };
};

function read(tcp: TcpSocket, handlers: SocketHandlers): void {
  let rest: Uint8Array = new Uint8Array(0);
  let open = false;
  tcp.on("data", (data: Uint8Array) => {
    rest = Buffer.concat([rest, data]);
    if (!open) {
      const end = Buffer.from(rest).indexOf("\r\n\r\n");
      if (end < 0) return;
      open = true;
      rest = rest.slice(end + 4);
      handlers.open?.();
    }
    for (let frame = firstFrame(rest); frame !== undefined; frame = firstFrame(rest)) {
      rest = frame.rest;
      handlers.message(frame.payload);
    }
  });
}

/** RFC 6455 §5.2, from server to client: the lengths that these tests see. */
function firstFrame(bytes: Uint8Array): { payload: Uint8Array; rest: Uint8Array } | undefined {
  if (bytes.length < 4) return undefined;
  const short = bytes[1]! < 126;
  const length = short ? bytes[1]! : bytes[2]! * 256 + bytes[3]!;
  const start = short ? 2 : 4;
  if (bytes.length < start + length) return undefined;
  return { payload: bytes.slice(start, start + length), rest: bytes.slice(start + length) };
}

/** Masked with zeros, which RFC 6455 §5.3 does not forbid to parse. */
function masked(payload: Uint8Array): Uint8Array {
  const head = payload.length < 126
    ? [0x82, 0x80 | payload.length]
    : [0x82, 0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Uint8Array.from([...head, 0, 0, 0, 0]), payload]);
}
