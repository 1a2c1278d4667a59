/** A node behind a real server, and a stranger with a TCP connection: requests, upgrades, WebSocket frames. */
import { connect, type Socket } from "node:net";
import type { RunningNode } from "../../../src/rendezvous/serve.ts";
import type { Dice } from "../../dice.ts";
import { node as identity, peer } from "../../session/meeting.ts";
import { serve } from "../../rendezvous/runtime.ts";
import { sampleBytes } from "../../wire/cddl_samples.ts";
import { sessionFrame } from "../grammars.ts";
import { joined } from "../mutation.ts";
import { claim, type Target, type World } from "../target.ts";

/** Milliseconds that one part has for its way through the kernel, and the answer back. */
const PAUSE = 3;

class SocketWorld implements World {
  readonly #node: RunningNode;
  /** The client's side of `fetch` does not keep the process. */
  readonly #alive = setInterval(() => {}, 1_000);
  #socket: Socket | undefined;
  #heard = "";

  constructor(node: RunningNode) {
    this.#node = node;
  }

  async prepare(part: Uint8Array): Promise<Uint8Array> {
    if (this.#socket !== undefined) return part;
    const socket = connect(Number(new URL(this.#node.url).port), "127.0.0.1");
    this.#socket = socket;
    socket.on("error", () => {}).on(
      "data",
      (data) => this.#heard = (this.#heard + data.toString("latin1")).slice(0, 64),
    );
    await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
    return part;
  }

  async feed(part: Uint8Array): Promise<string> {
    this.#heard = "";
    if (part.length > 0) this.#socket!.write(part);
    await pause();
    const status = /HTTP\/1.1 (\d+)/.exec(this.#heard)?.[1] ?? this.#heard.charCodeAt(0);
    return [status, this.#socket!.destroyed || this.#socket!.readableEnded].join("/");
  }

  async check(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
    for (let tries = 0; this.#node.node.handshakes > 0 && tries < 200; tries++) await pause();
    claim(this.#node.node.handshakes === 0, "a handshake goes on without its socket");
    claim(this.#node.node.sessions === 0, "a session without a proof");
  }

  async end(): Promise<void> {
    const { ok } = await fetch(new URL("/healthz", this.#node.url.replace("ws:", "http:")));
    claim(ok, "the server no longer answers");
    await this.#node.stop({ graceMs: 0 });
    clearInterval(this.#alive);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}

const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: waymeet.1",
];
const MORE = [
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  "Sec-WebSocket-Key: x",
  "Sec-WebSocket-Version: 8",
  "Content-Length: 4294967296",
  "Transfer-Encoding: chunked",
  "Origin: https://evil.example",
  `X-Long: ${"x".repeat(20_000)}`,
  "Expect: 100-continue",
];

function request(dice: Dice): Uint8Array {
  const lines = UPGRADE.filter(() => dice(12) > 0);
  if (dice(2) === 0) lines.push(MORE[dice(MORE.length)]!);
  const path = [`/v1/connect/${peer.id}`, `/v1/connect/${peer.id}`, "/", "//", "/v1/orders", "*"][dice(6)];
  const text = [`${["GET", "GET", "GET", "POST"][dice(4)]} ${path} HTTP/1.1`, "Host: a", ...lines, "", ""]
    .join("\r\n");
  return new TextEncoder().encode(text);
}

/** A frame of RFC 6455 §5.2, mostly right. */
function webSocketFrame(dice: Dice): Uint8Array {
  const payload = dice(3) === 0 ? sampleBytes(dice, dice(300)) : sessionFrame("frame", dice);
  const opcode = [2, 2, 2, 1, 0, 8, 9, 10, 3, 15][dice(10)]!;
  const flags = [0x80, 0x80, 0x80, 0x80, 0, 0xc0, 0xf0][dice(7)]!;
  const masked = dice(16) > 0 ? 0x80 : 0;
  const declared = dice(16) === 0
    ? [126, 255, 255, ...new Array(8).fill(dice(256))]
    : lengthOf(payload.length);
  const head = [flags | opcode, masked | declared[0]!, ...declared.slice(1), ...(masked ? [0, 0, 0, 0] : [])];
  return joined([new Uint8Array(head), payload]);
}

function lengthOf(size: number): number[] {
  if (size < 126) return [size];
  return size < 65_536
    ? [126, size >> 8, size & 255]
    : [127, 0, 0, 0, 0, 0, size >> 16, size >> 8 & 255, size & 255];
}

export const sockets: Target = {
  name: "sockets",
  inputsPerWorld: 200,
  slow: 10, // the attacker's own side, and the kernel's, are within
  async begin() {
    const node = await serve({
      ...{ port: 0, key: identity, dashboard: false, stunPorts: false, access: { kind: "open" } },
      limits: { handshakesPerSecond: Infinity, handshakeBurst: 1e9 },
    });
    return new SocketWorld(node);
  },
  generate(dice) {
    return [request(dice), ...Array.from({ length: dice(6) }, () => webSocketFrame(dice))];
  },
};
