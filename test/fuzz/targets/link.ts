/**
 * A peer with links, against another that is hostile: raw packets, greetings whose words are strange, and,
 * under real keys, whatever frames it likes. The first part's first byte says which.
 */
import { OWN_CIPHERS } from "../../../src/link/ciphers.ts";
import { Epoch } from "../../../src/link/epoch.ts";
import { keyPairOf } from "../../../src/link/dh.ts";
import { type Attempt, greet, type Local, prologue, readAnswer } from "../../../src/link/greeting.ts";
import { encodeProbe } from "../../../src/link/frames.ts";
import { initiate } from "../../../src/link/noise.ts";
import { readPacket, writeInit } from "../../../src/link/packet.ts";
import { encode, type Value } from "../../../src/wire/cbor.ts";
import { readRecord, signRecord } from "../../../src/wire/record.ts";
import type { Dice } from "../../dice.ts";
import { seededDice } from "../../dice.ts";
import { Meeting } from "../../link/meeting.ts";
import { linkFrame } from "../grammars.ts";
import { joined } from "../mutation.ts";
import { claim, type Target, type World } from "../target.ts";
import { wildFrame } from "../wild.ts";

/** Milliseconds that an empty part lets pass. */
const WHILE = 2_000;
const MODES = ["packets", "greetings", "sealed", "sealed"] as const;
/** Bytes that fit into a Noise message beside a record. Packets that peers make have 16 KiB and a little. */
const LONGEST = 60_000;
/** Nothing that a link keeps of one peer may exceed this, whatever it sends: packets, streams, timers. */
const MOST = 2_000;

class LinkWorld implements World {
  readonly #meeting: Meeting;
  readonly #local: Local;
  #mode: (typeof MODES)[number] | undefined;
  #answers: Uint8Array[] = [];
  #epoch: Epoch | undefined;
  #greetings = 0;

  constructor(meeting: Meeting, local: Local) {
    this.#meeting = meeting;
    this.#local = local;
    meeting.fate = (_from, packet) => {
      this.#answers.push(packet.slice());
      meeting.sent.length = 0;
      return "lose";
    };
  }

  async prepare(part: Uint8Array): Promise<Uint8Array> {
    if (this.#mode === undefined) {
      this.#mode = MODES[(part[0] ?? 0) % MODES.length]!;
      if (this.#mode === "sealed" && !await this.#establish()) this.#mode = "packets";
      return new Uint8Array();
    }
    const short = part.subarray(0, LONGEST);
    if (part.length === 0 || this.#mode === "packets") return short;
    return this.#mode === "sealed" ? this.#epoch!.seal(short) : this.#greetingOf(short);
  }

  async feed(part: Uint8Array): Promise<string> {
    const { b } = this.#meeting;
    this.#answers.length = 0;
    if (part.length === 0) await this.#meeting.run(WHILE);
    else b.receive(part);
    await b.settle();
    claim(this.#answers.length <= MOST, `${this.#answers.length} packets for one`);
    const { standing } = b.connection ?? { standing: "none" };
    return [
      this.#mode,
      standing,
      Math.min(3, this.#answers.length),
      b.ends.at(-1)?.reason ?? "",
      b.inbox.length > 0,
    ]
      .join("/");
  }

  check(): void {
    const { b, clock } = this.#meeting;
    this.#mode = undefined;
    claim(b.streams.length <= MOST, `${b.streams.length} streams`);
    claim(clock.armed <= MOST, `${clock.armed} timers`);
    claim(this.#meeting.busy <= MOST, "deadlines lie in the past");
    for (const list of [b.inbox, b.delivered, b.streams, b.brokenStreams, b.ends, b.presence]) {
      list.length = 0;
    }
  }

  /** A link under keys that the hostile peer holds, unless there is one. False: its own lies stand in its way. */
  async #establish(): Promise<boolean> {
    const { b, clock } = this.#meeting;
    if (b.connection?.standing === "open" && this.#epoch !== undefined) return true;
    await this.#meeting.run(30_000); // what was closed is forgotten
    const remote = readRecord(b.record)!;
    const conversation = this.#local.random(16);
    const attempt = greet(this.#local, remote, { conversation, continues: false, frames: new Uint8Array() })!;
    this.#answers.length = 0;
    b.receive(attempt.packet);
    await b.settle();
    const read = this.#answers.map((packet) => this.#answerTo(attempt, packet)).find((each) => each);
    if (read === undefined || read.answer.reason !== 0) return false;
    const createdAt = clock.now();
    this.#epoch = new Epoch({ handshake: attempt.handshake, keys: read.keys, initiated: true, createdAt });
    b.receive(this.#epoch.seal(encodeProbe("probe", 1)));
    return true;
  }

  #answerTo(attempt: Attempt, bytes: Uint8Array): ReturnType<typeof readAnswer> {
    const packet = readPacket(bytes);
    return packet?.kind === "response" ? readAnswer(attempt, packet) : undefined;
  }

  /** A valid message 1 around any payload. */
  #greetingOf(payload: Uint8Array): Uint8Array {
    const [local, remote] = [this.#local, readRecord(this.#meeting.b.record)!];
    const handshake = local.random(8);
    const between = [local.key, remote.peer, local.instance, remote.instance] as const;
    const { message } = initiate({
      prologue: prologue(handshake, local.network, ...between),
      static: local.linkKey,
      remoteStatic: remote.linkKey,
      ephemeral: keyPairOf(local.random(32)),
      payload: this.#greetings++ % 2 === 0 ? payload : this.#withRecord(payload),
    })!;
    return writeInit(handshake, joined([local.instance, message]));
  }

  /** With a record that is good, so that what stands behind it is read, too. */
  #withRecord(frames: Uint8Array): Uint8Array {
    const { body, signature } = this.#local.record();
    return encode([this.#local.stamp(), frames[0]! & 1, this.#local.random(16), body, signature, frames]);
  }
}

async function begin(): Promise<World> {
  const meeting = await Meeting.begin(7);
  const { identity } = meeting.a;
  const dice = seededDice(3);
  const random = (size: number) => Uint8Array.from({ length: size }, () => dice(256));
  const linkKey = keyPairOf(random(32));
  const instance = random(16);
  const now = meeting.clock.wall();
  const issue = { started: now, sequence: now, issued: now, expires: now + 300_000, nodes: [] };
  const fields = {
    peer: identity.publicKey,
    instance,
    linkKey: linkKey.publicKey,
    network: "test",
    ...issue,
  };
  const record = await signRecord(identity, fields);
  let last = 0;
  const stamp = () => last = Math.max(last + 1, meeting.clock.wall());
  const local: Local = {
    key: identity.publicKey,
    instance,
    linkKey,
    network: "test",
    ciphers: OWN_CIPHERS,
    random,
    record: () => record,
    stamp,
  };
  return new LinkWorld(meeting, local);
}

function greeting(dice: Dice): Uint8Array {
  const frames = joined(Array.from({ length: dice(4) }, () => linkFrame("link-frame", dice)));
  const bytes = (size: number) => new Uint8Array(size).fill(dice(256));
  const value: Value = [1_767_225_600_000, dice(2), bytes(16), bytes(100), bytes(64), frames];
  return dice(2) === 0 ? wildFrame(value, dice) : joined([new Uint8Array([dice(2)]), frames]);
}

/** Sequence numbers that follow each other are acted upon; others are not. */
function numbered(dice: Dice, from: number): Uint8Array {
  const frame = linkFrame("link-frame", dice);
  return frame[0]! >> 5 === 4 && frame[1]! >= 3 && frame[1]! <= 15 && frame[2]! < 24
    ? frame.with(2, Math.min(23, from))
    : frame;
}

export const link: Target = {
  name: "link",
  inputsPerWorld: 50,
  begin,
  generate(dice) {
    const mode = dice(MODES.length);
    let seq = 0;
    const part = () => {
      if (dice(8) === 0) return new Uint8Array();
      if (mode === 0) {
        return Uint8Array.from({ length: 5 + dice(200) }, (_, i) => i === 0 ? dice(7) : dice(256));
      }
      if (mode === 1) return greeting(dice);
      return joined(
        Array.from({ length: 1 + dice(6) }, () => numbered(dice, dice(4) === 0 ? dice(24) : seq++)),
      );
    };
    return [new Uint8Array([mode]), ...Array.from({ length: 1 + dice(8) }, part)];
  },
};
