/**
 * Two real nodes of a mesh against one whose key is proven: a peer (data, records, topics, watches, attempts), or
 * a member of the mesh that knows its token. The first part's first byte says which.
 */
import { identityFromSeed } from "../../../src/identity/identity.ts";
import { MAX_HEARSAY, MAX_KNOWN } from "../../../src/mesh/mesh_limits.ts";
import { meshMac } from "../../../src/mesh/token.ts";
import { dialSession } from "../../../src/session/dial.ts";
import type { Session } from "../../../src/session/session.ts";
import { signAnnouncement, topicKey } from "../../../src/wire/announcement.ts";
import { encodeData } from "../../../src/wire/data_frame.ts";
import { encodeForward } from "../../../src/wire/forward_frame.ts";
import {
  decodeControl,
  edgesSigned,
  encodeAnnounce,
  encodeEdges,
  encodeGreet,
  encodePresence,
  encodePublish,
  encodeWatch,
} from "../../../src/wire/frames.ts";
import { Role } from "../../../src/wire/protocol.ts";
import { signRecord } from "../../../src/wire/record.ts";
import type { Dice } from "../../dice.ts";
import { VirtualWorld } from "../../peer/virtual_world.ts";
import { otherPeer, peer } from "../../session/meeting.ts";
import { VirtualClock } from "../../session/virtual_clock.ts";
import { sessionFrame } from "../grammars.ts";
import { joined } from "../mutation.ts";
import { claim, type Target, type World } from "../target.ts";
import { type WatchedLog, watchedLog } from "./watched_log.ts";

const TOKEN = "a token of this network";
/** Milliseconds that an empty part lets pass. */
const WHILE = 1_000;
const member = await identityFromSeed(new Uint8Array(32).fill(5));
/** Milliseconds since 1970 at which what is signed here was issued: the world has run for three seconds then. */
const NOW = VirtualClock.EPOCH + 3_000;
const LIFE = { issued: NOW, expires: NOW + 299_000, network: "default" };

class NodeWorld implements World {
  readonly #world: VirtualWorld;
  readonly #urls: string[];
  readonly #log: WatchedLog;
  #session: Session | undefined;

  constructor(world: VirtualWorld, urls: string[], log: WatchedLog) {
    this.#world = world;
    this.#urls = urls;
    this.#log = log;
  }

  async prepare(part: Uint8Array): Promise<Uint8Array> {
    if (this.#session !== undefined) return part;
    this.#session = this.#dial((part[0] ?? 0) % 2 === 0 ? Role.peer : Role.node);
    await this.#world.pass(20);
    return new Uint8Array();
  }

  async feed(part: Uint8Array): Promise<string> {
    const session = this.#session!;
    const before = this.#refusals();
    if (part.length > 0 && session.state === "ready") session.sendBatch(part);
    await this.#world.pass(part.length === 0 ? WHILE : 3);
    const after = this.#refusals();
    const refused = Object.keys(after).filter((reason) => after[reason] !== before[reason]);
    return [session.state, ...refused].join("/");
  }

  #refusals(): Record<string, number> {
    return this.#world.node(this.#urls[0]).meshStatus()!.refusals;
  }

  #dial(role: 0 | 1): Session {
    const identity = role === Role.peer ? peer : member;
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const greet = (session: Session) => {
      const [dialer, acceptor] = [identity.publicKey, session.remoteKey];
      const bound = { network: "default", challenge: session.hello!.challenge, dialer, acceptor };
      return encodeGreet({ epoch: NOW, urls: [], mac: meshMac(TOKEN, bound, "dialer") });
    };
    return dialSession({
      ...{ url: this.#urls[0]!, identity, role, network: "default", instance: random(16), started: NOW },
      ...{ agent: "fuzz/1", clock: this.#world.clock, random, decode: decodeControl },
      connect: (url, handlers) => this.#world.dial(url, handlers),
      handlers: {
        ready: (session) => void (role === Role.node && session.send(greet(session))),
        ...{ data() {}, control() {}, closed() {} },
      },
    });
  }

  async check(): Promise<void> {
    this.#session?.close(1);
    this.#session = undefined;
    await this.#world.pass(20);
    claim(this.#log.errors.length === 0, `logged as an error: ${this.#log.errors[0]}`);
    this.#log.texts.length = 0;
    for (const url of this.#urls) this.#checkNode(url);
  }

  /** Whoever came has left: nothing of it is held but what expires. */
  #checkNode(url: string): void {
    const node = this.#world.node(url);
    const gauge = (name: string) =>
      Number(new RegExp(`^waymeet_${name} (.*)$`, "m").exec(node.metricsText())![1]);
    for (const name of ["sessions", "handshakes_pending", "watches", "announcements"]) {
      claim(gauge(name) === 0, `${name} is ${gauge(name)} when nobody is there`);
    }
    claim(gauge("attempts_open") <= 10_000, "attempts without bound");
    const { members, presence } = node.meshStatus()!;
    claim(members.length <= MAX_KNOWN + MAX_HEARSAY, `${members.length} members`);
    claim(presence.peers <= 100_000, `${presence.peers} peers`);
    const { framesIn, framesOut, drops } = node.metrics;
    const forwarded = node.meshStatus()!.forwarded;
    const [came, went] = [framesIn + forwarded.framesIn, framesOut + drops + forwarded.framesOut];
    claim(came <= went + 1, `${came} frames came, ${went} went or were dropped`);
  }

  async end(): Promise<void> {
    await this.#world.end();
    await this.#world.clock.advance(60_000);
    claim(this.#world.clock.timers === 0, `${this.#world.clock.timers} timers are left`);
  }
}

async function begin(): Promise<World> {
  const [world, log] = [new VirtualWorld({ delay: 0 }), watchedLog()];
  const urls = ["ws://127.0.0.1", "ws://127.0.0.2"];
  for (const url of urls) {
    await world.start(url, { log: log.logger, mesh: { token: TOKEN, join: urls.slice(0, 1), urls: [url] } });
  }
  await world.pass(3_000);
  return new NodeWorld(world, urls, log);
}

/** What is genuine, for a start: without it nothing gets past a signature. */
const topic = (await topicKey("default", "fuzz", "")).identity;
const record = await signRecord(peer, {
  ...{
    peer: peer.publicKey,
    instance: new Uint8Array(16).fill(7),
    started: NOW,
    linkKey: new Uint8Array(32).fill(9),
  },
  ...{ nodes: [member.publicKey], sequence: 1, ...LIFE },
});
const announcement = await signAnnouncement(topic, peer, LIFE);
const edges = { node: member.publicKey, epoch: NOW, version: 1, neighbours: [] };
const entries = [{ version: 1, peer: peer.publicKey, record }];
const GENUINE = [
  [
    encodePublish(record),
    encodeAnnounce(announcement, true),
    encodeWatch([otherPeer.publicKey, peer.publicKey]),
    encodeData(otherPeer.publicKey, new Uint8Array(9)),
    encodeData(peer.publicKey, new Uint8Array(9)),
  ],
  [
    encodePresence({ origin: member.publicKey, epoch: NOW, from: 0, to: 1, entries }),
    encodeEdges({ ...edges, signature: await member.sign(edgesSigned("default", edges)) }),
    encodeForward(5, peer.publicKey, otherPeer.publicKey, new Uint8Array(9)),
  ],
];
const RULES = [
  [
    "data",
    "publish",
    "lookup",
    "announce",
    "withdraw",
    "watch",
    "unwatch",
    "attempt",
    "answer",
    "report",
    "frame",
  ],
  ["mesh", "mesh", "presence", "members", "edges", "digest", "forward", "attempt-to", "undelivered", "frame"],
];

function message(role: number, dice: Dice): Uint8Array {
  const [genuine, rules] = [GENUINE[role]!, RULES[role]!];
  const frame = () =>
    dice(5) === 0 ? genuine[dice(genuine.length)]! : sessionFrame(rules[dice(rules.length)]!, dice);
  return joined(Array.from({ length: 1 + dice(4) }, frame));
}

function target(name: string, role: number): Target {
  return {
    name,
    inputsPerWorld: 60,
    begin,
    generate(dice) {
      const part = () => dice(10) === 0 ? new Uint8Array() : message(role, dice);
      return [new Uint8Array([role]), ...Array.from({ length: 1 + dice(8) }, part)];
    },
  };
}

/** A peer at a node. */
export const node: Target = target("node", 0);
/** A node at a node. */
export const mesh: Target = target("mesh", 1);
