/** Every reader of a stranger's bytes: a value or none, the same bytes back, never an exception. */
import { readMessage } from "../../../src/chat/chat_message.ts";
import { decodeFrames } from "../../../src/link/frames.ts";
import { readPacket } from "../../../src/link/packet.ts";
import { decodeWords } from "../../../src/path/rtc.ts";
import { readAnnouncement } from "../../../src/wire/announcement.ts";
import { compareBytes, decode, encode } from "../../../src/wire/cbor.ts";
import { decodeAuthBody, decodeControl, decodeWelcomeBody } from "../../../src/wire/frames.ts";
import { readRecord } from "../../../src/wire/record.ts";
import { checkBatch, splitFrames } from "../../../src/wire/sequence.ts";
import type { Dice } from "../../dice.ts";
import { linkFrame, sessionFrame } from "../grammars.ts";
import { joined } from "../mutation.ts";
import { claim, type Target } from "../target.ts";

const signature = new Uint8Array(64);

const READERS: Record<string, (bytes: Uint8Array) => unknown> = {
  auth: decodeAuthBody,
  welcome: decodeWelcomeBody,
  record: (body) => readRecord({ body, signature }),
  announcement: readAnnouncement,
  link: decodeFrames,
  packet: readPacket,
  words: decodeWords,
  chat: readMessage,
};

/** Bytes that reach a reader of one item at most: the plaintext of a packet is the largest. */
const LONGEST = 17_408;

function feed(message: Uint8Array): string {
  const bytes = message.subarray(0, LONGEST);
  const value = decode(bytes, 8);
  if (value !== undefined) {
    claim(compareBytes(encode(value), bytes) === 0, "two encodings of one value are accepted");
  }
  const frames = splitFrames(message);
  claim((frames === undefined) === checkBatch(message) < 0, "two checks of a batch differ");
  const kinds = frames?.slice(0, 4).map((frame) => decodeControl(frame)?.kind ?? "none") ?? ["malformed"];
  const read = Object.keys(READERS).filter((name) => READERS[name]!(bytes) !== undefined);
  return [...kinds, ...read].join("+");
}

const RULES = ["frame", "frame", "frame", "auth-body", "welcome-body", "record-body"].concat([
  "announcement-body",
  "signed-announcement",
]);

export const codec: Target = {
  name: "codec",
  inputsPerWorld: 1_000,
  begin: () => ({ feed }),
  generate(dice: Dice) {
    const one = () =>
      dice(4) === 0 ? linkFrame("link-frame", dice) : sessionFrame(RULES[dice(RULES.length)]!, dice);
    return [dice(4) === 0 ? joined(Array.from({ length: 1 + dice(4) }, one)) : one()];
  },
};
