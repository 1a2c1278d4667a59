/**
 * What two peers agreed on, or are about to: which process of the other side, which
 * conversation, which keys; our greeting under way, and one of theirs that waits to be
 * proven. Without a conversation of its own: frames come in and go out as bytes.
 *
 * @module
 */
import { compareBytes } from "../wire/cbor.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import type { Candidate } from "./connection_events.ts";
import { Epoch } from "./epoch.ts";
import {
  type Answer,
  type Greeting,
  type Local,
  newerProcess,
  type OpenedInit,
  type Remote,
  sameProcess,
} from "./greeting.ts";
import { Hail } from "./hail.ts";
import { Keyring } from "./keyring.ts";
import type { ResponsePacket, TransportPacket } from "./packet.ts";
import { joinBytes } from "../wire/join_bytes.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** What becomes of a greeting: see {@link Agreement.judge}. */
export type Verdict = "ignore" | "adopt" | "renew" | "decline" | "consider";

export class Agreement {
  record: Remote | undefined;
  keyring: Keyring;
  /** Our greeting, until it is answered. */
  attempt: Hail | undefined;
  #conversation: Uint8Array;
  #candidate: Candidate | undefined;
  readonly #local: Local;
  readonly #remote: Key;

  constructor(local: Local, remote: Key) {
    this.#local = local;
    this.#remote = remote;
    this.#conversation = local.random(16);
    this.keyring = this.#newKeyring();
  }

  /** The smaller key wins when both greet at once. */
  get wins(): boolean {
    return compareBytes(this.#local.key, this.#remote) < 0;
  }

  /** Whether a record describes a process that came before the one we know. */
  isPast(record: Remote): boolean {
    return this.record !== undefined && newerProcess(this.record, record);
  }

  isSameProcess(record: Remote): boolean {
    return this.record === undefined || sameProcess(this.record, record);
  }

  /** Makes a greeting in place of the one under way. `continues`: only the keys are to be new. */
  greet(continues: boolean, frames: Uint8Array, now: number): void {
    this.dropAttempt();
    const words = { conversation: this.#conversation, continues, frames };
    this.attempt = this.record && Hail.to(this.record, this.#local, words, now);
  }

  /** A way opened: our greeting leaves (again) at once. */
  hurry(now: number): void {
    if (this.attempt) this.attempt.again = now;
  }

  dropAttempt(): void {
    this.attempt?.forget();
    this.attempt = undefined;
  }

  /**
   * What to do with a greeting, verified and fresh. Of two new conversations that were
   * begun at once the winner's stays, and new keys for one are made once: so the winner
   * ignores. A message 1 alone never destroys what is open (protocol rule 6): it may
   * become a candidate.
   */
  judge(greeting: Greeting, hailing: boolean): Verdict {
    if (this.isPast(greeting.record)) return "ignore";
    const ours = compareBytes(greeting.conversation, this.#conversation) === 0;
    const same = this.isSameProcess(greeting.record);
    if (this.attempt && this.wins && same && (ours || hailing)) return "ignore";
    if (hailing && !greeting.continues) return "adopt";
    if (ours && same) return "renew";
    return greeting.continues ? "decline" : "consider";
  }

  /** Their conversation becomes ours. */
  adopt({ conversation, record }: Greeting): void {
    this.#conversation = conversation;
    this.record = record;
  }

  /** The answer to a greeting about our conversation. */
  accept(init: OpenedInit, frames: Uint8Array, now: number): Uint8Array {
    return this.#answer(this.keyring, init, frames, now);
  }

  /** The answer to a greeting that waits for its first packet. */
  consider(greeting: Greeting, init: OpenedInit, now: number): Uint8Array {
    this.#candidate?.keyring.forget();
    this.#candidate = { greeting, keyring: this.#newKeyring() };
    return this.#answer(this.#candidate.keyring, init, NOTHING, now);
  }

  #answer(keyring: Keyring, init: OpenedInit, frames: Uint8Array, now: number): Uint8Array {
    const { packet, keys } = init.answer({
      time: this.#local.stamp(),
      reason: Reason.none,
      text: "",
      frames,
    });
    keyring.add(new Epoch({ handshake: packet.subarray(1, 9), keys, initiated: false, createdAt: now }), now);
    return packet;
  }

  decline(init: OpenedInit, text: string): Uint8Array {
    return init.answer({ time: this.#local.stamp(), reason: Reason.linkClosed, text, frames: NOTHING })
      .packet;
  }

  /** Reads the answer to our attempt; `undefined` when it is none, or forged. */
  takeResponse(packet: ResponsePacket, now: number): Answer | undefined {
    const attempt = this.attempt;
    const read = attempt?.concerns(packet) ? attempt.read(packet) : undefined;
    if (!attempt || !read) return undefined;
    this.attempt = undefined;
    const { answer, keys } = read;
    if (answer.reason !== Reason.none) return answer;
    this.keyring.add(new Epoch({ handshake: attempt.handshake, keys, initiated: true, createdAt: now }), now);
    return answer;
  }

  /** A packet under the candidate's keys proves it. */
  proveCandidate(packet: TransportPacket, now: number): "refused" | "unknown" | Candidate {
    const candidate = this.#candidate;
    const opened = candidate?.keyring.open(packet, now);
    if (!candidate || !opened || opened.kind === "unknown") return "unknown";
    if (opened.kind === "refused") return "refused";
    this.#candidate = undefined;
    const frames = joinBytes([candidate.greeting.frames, opened.plaintext]);
    return { ...candidate, greeting: { ...candidate.greeting, frames } };
  }

  /** A proven candidate's conversation, keys and process become ours. */
  follow({ greeting, keyring }: Candidate): void {
    this.adopt(greeting);
    this.keyring.forget();
    this.keyring = keyring;
  }

  /** Another process answers for the peer: another conversation, no keys. */
  restart(): void {
    this.dropAttempt();
    this.keyring.forget();
    this.keyring = this.#newKeyring();
    this.#conversation = this.#local.random(16);
  }

  /** Erases all keys. */
  forget(): void {
    this.dropAttempt();
    this.keyring.forget();
    this.#candidate?.keyring.forget();
  }

  #newKeyring(): Keyring {
    return new Keyring({ oursWin: this.wins });
  }
}
