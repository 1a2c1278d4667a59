/**
 * One peer of the lab, a process in a namespace: `peer.ts NODE_URL…`. It takes orders as
 * JSON lines on standard input and tells what happens as JSON lines on standard output,
 * each with the wall clock in `at`, which all of the lab's processes share.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link } from "../../src/mod.node.ts";
import type { LinkPath, LinkStream } from "../../src/sdk.ts";

const { Peer } = process.versions.bun
  ? await import("../../src/mod.bun.ts")
  : await import("../../src/mod.node.ts");

export type Order =
  /** Dial this peer; both sides send numbered messages from then on. */
  | { order: "dial"; id: string }
  /** Open a stream of so many random bytes, at most so many a second. */
  | { order: "stream"; bytes: number; rate: number }
  /** Forget the gaps that were between messages until now. */
  | { order: "mark" }
  /** Stop sending; tell `settled` when everything has been acknowledged. */
  | { order: "stop" }
  | { order: "report" }
  | { order: "end" };

/** What one side sent and saw. */
export interface Report {
  sent: number;
  received: number;
  /** Numbers skipped. */
  lost: number;
  /** Numbers that came again, or late. */
  duplicated: number;
  /** Milliseconds of the longest silence between two received messages since `mark`. */
  silence: number;
}

/** Milliseconds between two messages of one side. */
const PACE = 20;
const tally: Report = { sent: 0, received: 0, lost: 0, duplicated: 0, silence: 0 };
let expected = 1;
let last: number | undefined;
let talking = true;
let link: Link | undefined;
const underWay = new Set<Promise<unknown>>();

const peer = await Peer.open({ nodes: process.argv.slice(2), insecure: true });
peer.addEventListener("link", ({ link: come }) => attend(come, performance.now()));
tell("ready", { id: peer.id });

function tell(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...fields })}\n`);
}

function attend(own: Link, since: number): void {
  link = own;
  watch(own, since);
  void talk(own, since);
  void receive(own);
  void takeStreams(own);
}

/** Tells how packets travel now and whenever that changes, with the milliseconds since the link began. */
function watch(own: Link, since: number): void {
  const say = ({ kind, why, rtt }: LinkPath): void => {
    tell("path", { kind, why, rtt, after: performance.now() - since });
  };
  say(own.path);
  own.addEventListener("path", ({ path }) => say(path));
}

async function talk(own: Link, since: number): Promise<void> {
  await say(own);
  tell("first", { after: performance.now() - since });
  while (talking) {
    const sending = say(own);
    underWay.add(sending);
    void sending.finally(() => underWay.delete(sending));
    await pause(PACE);
  }
}

async function say(own: Link): Promise<void> {
  await own.send(String(++tally.sent)).catch((error) => tell("failed", { why: error.message }));
}

async function receive(own: Link): Promise<void> {
  for await (const message of own) {
    const now = performance.now();
    tally.silence = Math.max(tally.silence, now - (last ?? now));
    last = now;
    const number = Number(message.text());
    tally.received++;
    if (number < expected) tally.duplicated++;
    if (number > expected) tally.lost += number - expected;
    expected = Math.max(expected, number + 1);
  }
}

async function takeStreams(own: Link): Promise<void> {
  for await (const stream of own.streams) {
    const { bytes, hash, silence } = await digest(stream);
    await stream.writable.close();
    tell("stream received", { bytes, sha256: hash, silence });
  }
}

async function digest(stream: LinkStream): Promise<{ bytes: number; hash: string; silence: number }> {
  const hash = createHash("sha256");
  let [bytes, silence, before] = [0, 0, performance.now()];
  for await (const piece of stream.readable as unknown as AsyncIterable<Uint8Array>) {
    silence = Math.max(silence, performance.now() - before);
    before = performance.now();
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, hash: hash.digest("hex"), silence };
}

async function pour(own: Link, bytes: number, rate: number): Promise<void> {
  const writer = own.openStream({ label: "random bytes" }).writable.getWriter();
  const hash = createHash("sha256");
  const began = performance.now();
  for (let left = bytes; left > 0;) {
    const piece = randomBytes(Math.min(16_384, left));
    hash.update(piece);
    await writer.write(piece);
    left -= piece.length;
    const due = began + 1_000 * (bytes - left) / rate;
    if (due > performance.now()) await pause(due - performance.now());
  }
  await writer.close();
  tell("stream sent", { bytes, sha256: hash.digest("hex"), took: performance.now() - began });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function dial(id: string): Promise<void> {
  const began = performance.now();
  attend(await peer.dial(id, { deadline: 10_000 }), began);
}

async function obey(order: Order): Promise<unknown> {
  switch (order.order) {
    case "dial":
      return await dial(order.id);
    case "stream":
      return await pour(link!, order.bytes, order.rate);
    case "mark":
      last = undefined;
      return tally.silence = 0;
    case "stop":
      talking = false;
      await Promise.all(underWay);
      return tell("settled");
    case "report":
      return tell("report", { ...tally });
    case "end":
      await peer.close();
      return process.exit(0);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line) as Order).catch((error) => tell("failed", { why: error.message }));
}
await peer.close();
process.exit(0);
