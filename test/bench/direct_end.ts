/**
 * One end of `direct.ts`: a link by a direct path, a link that stays on the relay, and a bare
 * data channel, all with the same other process. JSON lines in and out.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { KEY_SIZE, substituteCiphers, TAG_SIZE } from "../../src/link/aead.ts";
import { agreeOn, OWN_CIPHERS, sealingOf } from "../../src/link/ciphers.ts";
import type { Link } from "../../src/link/link.ts";
import { loadNodeDataChannel } from "../../src/path/node_datachannel.ts";
import { PATH_HIGH_WATER } from "../../src/path/port.ts";
import type { RtcEnd, Words } from "../../src/path/rtc.ts";

export type LaneName = "bare" | "direct" | "relay";

export type Order =
  | { order: "dial"; direct: string; relay: string }
  | { order: "offer" }
  | { order: "words"; words: Words }
  /** Sends messages of `size` bytes for `ms`. */
  | { order: "send"; lane: LaneName; size: number; ms: number }
  /** `count` messages there and back, one after the other. */
  | { order: "ping"; lane: LaneName; count: number }
  /** What it took and has so far. */
  | { order: "usage" }
  /** What sealing and opening such a message takes here, in microseconds of the processor. */
  | { order: "aead"; size: number };

/** A first byte that asks for the message back. */
const ECHO = 1;
/** Bytes that a link has under way at most. */
const WINDOW = 1_048_576;
/** Milliseconds for which the cipher is measured. */
const AEAD_TIME = 300;

/** With `plain` links copy where they would seal: what they cost beside their cipher. */
if (process.argv[4] === "plain") {
  substituteCiphers({
    seal: (_key, _nonce, _ad, plaintext, into) => into.set(plaintext),
    open: (_key, _nonce, _ad, sealed) => sealed.slice(0, sealed.length - TAG_SIZE),
  });
}
const runtime = process.versions.bun ? "bun" : "node";
const { Peer } = await import(`../../src/mod.${runtime}.ts`) as typeof import("../../src/mod.node.ts");
const [far, near] = [[process.argv[2]!], [process.argv[3]!]];
const direct = await Peer.open({ nodes: far, insecure: true, paths: { local: false } });
const relay = await Peer.open({ nodes: near, insecure: true, paths: { local: false, direct: false } });

const received: Record<LaneName, number> = { bare: 0, direct: 0, relay: 0 };
const senders: Partial<Record<LaneName, (bytes: Uint8Array) => Promise<unknown> | undefined>> = {};
let echoed = (): void => {};
let bare: RtcEnd | undefined;
let path = "relay";
let drained = (): void => {};

for (const [lane, peer] of [["direct", direct], ["relay", relay]] as const) {
  peer.addEventListener("link", ({ link }) => attend(lane, link));
}
say({ event: "ready", direct: direct.id, relay: relay.id });

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function attend(lane: LaneName, link: Link): void {
  const tell = (): void => {
    if (lane === "direct") path = link.path.kind;
    say({ event: "path", lane, kind: link.path.kind });
  };
  link.addEventListener("path", tell);
  tell();
  senders[lane] = (bytes) => link.send(bytes);
  void (async () => {
    for await (const { data } of link) take(lane, data);
  })();
}

function take(lane: LaneName, data: Uint8Array): void {
  received[lane]++;
  if (data[0] === ECHO) void senders[lane]!(new Uint8Array(data.length));
  else echoed();
}

async function connect(role: "offerer" | "answerer"): Promise<RtcEnd> {
  const stack = await loadNodeDataChannel();
  if ("why" in stack) throw new Error(stack.why);
  const end = stack.connect(role, [], {
    words: (words) => say({ event: "words", words }),
    gathered() {},
    opened: () => say({ event: "path", lane: "bare", kind: "direct" }),
    message: (bytes) => take("bare", bytes),
    drained: () => drained(),
    closed: (reason) => say({ event: "closed", reason }),
  });
  senders.bare = (bytes) => {
    end.send(bytes);
    if (end.buffered < PATH_HIGH_WATER) return undefined;
    return new Promise<void>((resolve) => drained = resolve);
  };
  return end;
}

/** A link is kept full by its window, a bare channel by its buffer. */
async function send(lane: LaneName, size: number, ms: number): Promise<number> {
  const [sender, message] = [senders[lane]!, new Uint8Array(size)];
  const most = Math.max(4, Math.floor(WINDOW / Math.max(size, 1_024)));
  let [sent, underWay] = [0, 0];
  let arrived = (): void => {};
  const arrive = (): void => {
    underWay--;
    arrived();
  };
  for (const until = performance.now() + ms; performance.now() < until; sent++) {
    const sending = sender(message);
    if (lane === "bare") {
      if (sending) await sending;
      else if (sent % 64 === 63) await new Promise(setImmediate);
      continue;
    }
    underWay++;
    void sending!.then(arrive);
    // One promise, not a race of all: that would add as many reactions to each as there are others.
    if (underWay >= most) await new Promise<void>((resolve) => arrived = resolve);
  }
  while (underWay > 0) await new Promise<void>((resolve) => arrived = resolve);
  return sent;
}

async function ping(lane: LaneName, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const back = new Promise<void>((resolve) => echoed = resolve);
    const began = performance.now();
    void senders[lane]!(new Uint8Array(64).fill(ECHO));
    await back;
    times.push(1_000 * (performance.now() - began));
  }
  echoed = () => {};
  return times;
}

/** Processor time of this process so far, all threads, microseconds. */
function usage(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function cipherCost(size: number): { seal: number; open: number } {
  const { aead } = sealingOf(agreeOn(OWN_CIPHERS, OWN_CIPHERS));
  const cipher = aead(crypto.getRandomValues(new Uint8Array(KEY_SIZE)));
  const [data, plaintext] = [new Uint8Array(13), new Uint8Array(size)];
  const sealed = cipher.seal(1, data, plaintext);
  const into = new Uint8Array(size + TAG_SIZE); // as in a link, whose packet is there already
  const cost = (run: () => unknown): number => {
    const before = usage();
    let count = 0;
    for (const until = performance.now() + AEAD_TIME; performance.now() < until; count++) run();
    return (usage() - before) / count;
  };
  return {
    seal: cost(() => cipher.seal(1, data, plaintext, into)),
    open: cost(() => cipher.open(1, data, sealed)),
  };
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case "dial":
      attend("direct", await direct.dial(order.direct));
      return attend("relay", await relay.dial(order.relay));
    case "offer":
      bare = await connect("offerer");
      return;
    case "words":
      bare ??= await connect("answerer");
      return bare.take(order.words);
    case "send":
      return say({ event: "sent", sent: await send(order.lane, order.size, order.ms) });
    case "ping":
      return say({ event: "pinged", times: await ping(order.lane, order.count) });
    case "usage":
      return say({ event: "usage", cpu: usage(), received, path });
    case "aead":
      return say({ event: "aead", ...cipherCost(order.size) });
  }
}

let before: Promise<void> = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  before = before.then(() => obey(JSON.parse(line) as Order));
}
process.exit(0);
