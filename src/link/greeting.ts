/**
 * What two processes tell each other within the handshake: who they are, which
 * conversation this is about, and the first frames of it. Both halves in one place.
 *
 * @module
 */
import { compareBytes, decode, encode, type Value } from "../wire/cbor.ts";
import { Domain, type Key, type PeerRecord, type SignedBytes } from "../wire/protocol.ts";
import { verifyRecord } from "../wire/record.ts";
import { agreeOn, CHACHA_ALONE, CipherId, type Ciphers } from "./ciphers.ts";
import type { EpochKeys } from "./epoch.ts";
import { generateLinkKey, type KeyPair, type Random } from "./dh.ts";
import { initiate, type Initiation, respond, type Response } from "./noise.ts";
import { type InitPacket, type ResponsePacket, writeInit, writeResponse } from "./packet.ts";

const INSTANCE = 16;

/** This process, as its links know it. */
export interface Local {
  key: Key;
  instance: Uint8Array;
  linkKey: KeyPair;
  network: string;
  ciphers: Ciphers;
  random: Random;
  /** The newest signed record. */
  record(): SignedBytes;
  /** Milliseconds since 1970, larger at each call: later handshakes of a process are told from earlier ones. */
  stamp(): number;
}

/** A verified record, and by how many milliseconds the clock of its peer is ahead of this one's, where that is known. */
export type Remote = PeerRecord & { ahead?: number };

/** What the initiator says. */
export interface Greeting {
  /** {@link Local.stamp} of its sender. */
  time: number;
  /** 16 random bytes naming the conversation. */
  conversation: Uint8Array;
  /** Whether the sender believes that this conversation is under way, so that only keys are new. */
  continues: boolean;
  /** {@link time} by the receiver's clock, as far as the sender knows; older senders do not say. */
  theirs?: number;
  /** What its sender bears; older senders bear {@link CHACHA_ALONE} and do not say. */
  ciphers: Ciphers;
  /** Its record, verified. */
  record: Remote;
  /** First frames of the conversation. */
  frames: Uint8Array;
}

/** Whether two records describe one process. */
export function sameProcess(a: PeerRecord, b: PeerRecord): boolean {
  return compareBytes(a.instance, b.instance) === 0;
}

/** Whether `a` describes a later process than `b`, in the order of records (protocol rule 3). */
export function newerProcess(a: PeerRecord, b: PeerRecord): boolean {
  return (a.started - b.started || compareBytes(a.instance, b.instance)) > 0;
}

/** What the responder says. */
export interface Answer {
  time: number;
  /** 0: accepted; otherwise the reason why not. */
  reason: number;
  text: string;
  frames: Uint8Array;
}

/** What is in message 2. */
interface AnswerWords extends Answer {
  /** Of those in the greeting. */
  cipher: CipherId;
}

/** A handshake under way, on the initiator's side. */
export interface Attempt {
  handshake: Uint8Array;
  packet: Uint8Array;
  initiation: Initiation;
  /** What was offered. */
  ciphers: Ciphers;
}

/** Of the handshake and of everything under its keys: peers of different versions of the session still meet. */
const LINK_VERSION = 1;

/**
 * The prologue binds a handshake to its id, network, both peers and both processes: bytes
 * recorded between other ends, or before a restart, do not open; and a node that alters
 * the id, which travels in clear, spoils this one packet instead of the cached answer.
 */
export function prologue(
  handshake: Uint8Array,
  network: string,
  initiator: Key,
  responder: Key,
  initiatorInstance: Uint8Array,
  responderInstance: Uint8Array,
): Uint8Array {
  const instances = [initiatorInstance, responderInstance];
  return encode([Domain.link, LINK_VERSION, handshake, network, initiator, responder, ...instances]);
}

/** The payload of message 1. */
export function encodeGreeting(
  words: Omit<Greeting, "record"> & { theirs: number },
  { body, signature }: SignedBytes,
): Uint8Array {
  const { time, continues, conversation, frames, theirs, ciphers } = words;
  return encode([time, continues ? 1 : 0, conversation, body, signature, frames, theirs, [...ciphers]]);
}

/** The payload of message 2. */
export function encodeAnswer({ time, reason, text, frames, cipher }: AnswerWords): Uint8Array {
  return encode([time, reason, text, frames, cipher]);
}

/** Begins a handshake with the process that `remote` describes; `undefined` when its link key is no key. */
export function greet(
  local: Local,
  remote: Remote,
  words: { conversation: Uint8Array; continues: boolean; frames: Uint8Array },
): Attempt | undefined {
  const time = local.stamp();
  const theirs = Math.max(0, Math.floor(time + (remote.ahead ?? 0)));
  const { ciphers } = local;
  const payload = encodeGreeting({ time, theirs, ciphers, ...words }, local.record());
  const handshake = local.random(8);
  const initiation = initiate({
    prologue: prologue(handshake, local.network, local.key, remote.peer, local.instance, remote.instance),
    static: local.linkKey,
    remoteStatic: remote.linkKey,
    ephemeral: generateLinkKey(local.random),
    payload,
  });
  if (!initiation) return undefined;
  const message = new Uint8Array(INSTANCE + initiation.message.length);
  message.set(local.instance);
  message.set(initiation.message, INSTANCE);
  return { handshake, packet: writeInit(handshake, message), initiation, ciphers };
}

/** Reads the answer to an attempt; `undefined` when forged. Gives the keys once. */
export function readAnswer(
  attempt: Attempt,
  packet: ResponsePacket,
): { answer: Answer; keys: EpochKeys } | undefined {
  const read = attempt.initiation.readResponse(packet.message);
  const answer = read && readAnswerPayload(read.payload, attempt.ciphers);
  return answer ? { answer, keys: { ...read, cipher: answer.cipher } } : undefined;
}

function readAnswerPayload(payload: Uint8Array, offered: Ciphers): AnswerWords | undefined {
  const items = decode(payload);
  if (!Array.isArray(items)) return undefined;
  const [time, reason, text, frames, chosen] = items;
  if (typeof time !== "number" || typeof reason !== "number") return undefined;
  if (typeof text !== "string" || !(frames instanceof Uint8Array)) return undefined;
  const cipher = chosen === undefined ? CipherId.chaChaPoly : offered.find((each) => each === chosen);
  return cipher === undefined ? undefined : { time, reason, text, frames, cipher };
}

/** An opened message 1 whose sender is not yet verified. */
export interface OpenedInit {
  time: number;
  /** Verifies the record; `undefined` when the init does not come from whom the frame names. */
  verify(now: number): Promise<Greeting | undefined>;
  /** Message 2 and the keys; once. */
  answer(answer: Answer): { packet: Uint8Array; keys: EpochKeys };
  forget(): void;
}

/** The Noise message within an init packet: what replays are recognised by. */
export function noiseMessage(packet: InitPacket): Uint8Array {
  return packet.message.subarray(INSTANCE);
}

/**
 * Opens an init that came from `source`. `undefined`: not for this process, or not what
 * its sender wrote.
 */
export function openInit(local: Local, source: Key, packet: InitPacket): OpenedInit | undefined {
  const instance = packet.message.slice(0, INSTANCE);
  const response = respond({
    prologue: prologue(packet.handshake, local.network, source, local.key, instance, local.instance),
    static: local.linkKey,
    message: noiseMessage(packet),
  });
  if (!response) return undefined;
  const read = readGreeting(response.payload);
  if (!read) {
    response.forget();
    return undefined;
  }
  const { signed, ...words } = read;
  const handshake = packet.handshake.slice();
  return {
    time: words.time,
    forget: () => response.forget(),
    async verify(now) {
      const verdict = await verifyRecord(signed, { network: local.network, now });
      if (verdict.error !== undefined) return undefined;
      const { record } = verdict;
      if (record.expires <= words.time) return undefined; // both by its sender's clock
      // The record ties the Noise key to the identity; without it anybody could greet as anybody.
      const genuine = compareBytes(record.peer, source) === 0 &&
        compareBytes(record.instance, instance) === 0 &&
        compareBytes(record.linkKey, response.remoteStatic) === 0;
      return genuine ? { ...words, record: { ...record, ahead: words.time - now } } : undefined;
    },
    answer: (answer) => {
      const words = { ...answer, cipher: agreeOn(read.ciphers, local.ciphers) };
      return writeAnswer(response, handshake, words, generateLinkKey(local.random));
    },
  };
}

function writeAnswer(response: Response, handshake: Uint8Array, words: AnswerWords, ephemeral: KeyPair) {
  const { message, ...keys } = response.write(encodeAnswer(words), ephemeral);
  return { packet: writeResponse(handshake, message), keys: { ...keys, cipher: words.cipher } };
}

function readGreeting(payload: Uint8Array): Omit<Greeting, "record"> & { signed: SignedBytes } | undefined {
  const items = decode(payload);
  if (!Array.isArray(items)) return undefined;
  const [time, continues, conversation, body, signature, frames, theirs, offered] = items;
  if (
    typeof time !== "number" || !isFlag(continues) || !isBytes(conversation) || conversation.length !== 16
  ) {
    return undefined;
  }
  if (!isBytes(body) || !isBytes(signature) || !isBytes(frames)) return undefined;
  if (theirs !== undefined && typeof theirs !== "number") return undefined;
  if (offered !== undefined && !Array.isArray(offered)) return undefined;
  const ciphers = offered?.filter(isCipher) ?? CHACHA_ALONE;
  const signed = { body, signature };
  const words = { time, continues: continues === 1, conversation, signed, frames, ciphers };
  return theirs === undefined ? words : { ...words, theirs };
}

/** Those of later versions are none that this one bears. */
function isCipher(value: Value): value is CipherId {
  return value === CipherId.chaChaPoly || value === CipherId.aesGcm;
}

const isFlag = (value: Value | undefined): value is 0 | 1 => value === 0 || value === 1;
const isBytes = (value: Value | undefined): value is Uint8Array => value instanceof Uint8Array;
