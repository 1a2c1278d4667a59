/** A peer as the compliance checks need it, over the npm package `ws`, which can stop reading. */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { generateIdentity } from "../../src/identity/identity.ts";
import { systemClock } from "../../src/session/clock.ts";
import { type DialOptions, dialSession } from "../../src/session/dial.ts";
import type { Connect } from "../../src/session/socket.ts";
import { SUBPROTOCOL } from "../../src/wire/protocol.ts";
import { TestPeer } from "../rendezvous/peers.ts";

/** A session whose WebSocket can be looked at and held. */
export class Visitor extends TestPeer {
  socket!: WebSocket;
  /** Code and reason of the WebSocket's close frame. */
  close: { code: number; reason: string } | undefined;
  /** Every message that this side sent, as bytes or text. */
  readonly sent: (Uint8Array | string)[] = [];
}

export interface VisitOptions extends Partial<DialOptions> {
  /** In place of the visitor's own id in the path. */
  path?: string;
}

const abroad = new Set<WebSocket>();

/** Hangs up all that were opened here. */
export function goHome(): void {
  for (const ws of abroad) ws.terminate();
  abroad.clear();
}

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** Begins to dial. */
export async function dialling(url: string, options: VisitOptions = {}): Promise<Visitor> {
  const visitor = new Visitor(options.identity ?? await generateIdentity());
  const { path = visitor.identity.id, ...changes } = options;
  visitor.session = dialSession({
    url,
    network: "default",
    instance: random(16),
    started: Date.now(),
    agent: "compliance/1",
    clock: systemClock,
    random,
    handlers: visitor,
    ...changes,
    identity: visitor.identity,
    connect: (url, handlers) => connected(visitor, url.replace(visitor.identity.id, path), handlers),
  });
  return visitor;
}

/** Dials, and waits until that succeeded. */
export async function visit(url: string, options: VisitOptions = {}): Promise<Visitor> {
  const visitor = await dialling(url, options);
  await until("the session is ready or closed", () => visitor.isReady || visitor.end !== undefined);
  if (!visitor.isReady) throw new Error(`no session: ${visitor.end!.text}`);
  return visitor;
}

function connected(visitor: Visitor, url: string, handlers: Parameters<Connect>[1]): ReturnType<Connect> {
  const ws = visitor.socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
  abroad.add(ws);
  ws.binaryType = "arraybuffer";
  ws.on("open", () => handlers.open?.());
  ws.on(
    "message",
    (data, binary) => handlers.message(binary ? new Uint8Array(data as ArrayBuffer) : String(data)),
  );
  ws.on("error", () => {});
  ws.on("close", (code, reason) => {
    visitor.close = { code, reason: reason.toString() };
    handlers.closed(code, reason.toString());
  });
  return {
    get buffered() {
      return ws.bufferedAmount;
    },
    send(message) {
      if (ws.readyState !== ws.OPEN) return -1;
      visitor.sent.push(typeof message === "string" ? message : message.slice());
      ws.send(message);
      return ws.bufferedAmount;
    },
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  };
}

/** What a WebSocket without any manners of ours meets: its messages, and how it was closed. */
export interface Raw {
  ws: WebSocket;
  messages: Uint8Array[];
  close: { code: number; reason: string } | undefined;
  /** HTTP status when there was no upgrade. */
  status: number | undefined;
}

export function raw(url: string, protocols: string[] = [SUBPROTOCOL]): Raw {
  const ws = new WebSocket(url, protocols);
  abroad.add(ws);
  const seen: Raw = { ws, messages: [], close: undefined, status: undefined };
  ws.on("unexpected-response", (_request, { statusCode }) => {
    seen.status = statusCode;
    ws.terminate();
  });
  ws.on("message", (data) => seen.messages.push(Uint8Array.from(data as Buffer)));
  ws.on("error", () => {});
  ws.on("close", (code, reason) => seen.close = { code, reason: reason.toString() });
  return seen;
}

/** Milliseconds: nothing here takes that long, except on a machine that does ten other things. */
const PATIENCE = 30_000;

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!await condition()) {
    if (performance.now() - start > PATIENCE) throw new Error(`waited ${PATIENCE / 1000} s until ${what}`);
    await sleep(5);
  }
}
