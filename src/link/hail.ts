import { compareBytes } from "../wire/cbor.ts";
import type { EpochKeys } from "./epoch.ts";
import { type Answer, type Attempt, greet, type Local, readAnswer, type Remote } from "./greeting.ts";
import { HANDSHAKE_PATIENCE, HANDSHAKE_RETRY, HANDSHAKE_TRIES } from "./limits.ts";
import type { RefusedPacket, ResponsePacket } from "./packet.ts";

/** A greeting of ours on its way: the same packet again and again, until it is answered or worn out. */
export class Hail {
  readonly handshake: Uint8Array;
  /** When it was made. */
  readonly made: number;
  /** When it leaves (again). */
  again: number;
  #tries = 0;
  readonly #attempt: Attempt;

  private constructor(attempt: Attempt, now: number) {
    this.#attempt = attempt;
    this.handshake = attempt.handshake;
    this.made = this.again = now;
  }

  /** `undefined` when the record's link key is no key. */
  static to(
    record: Remote,
    local: Local,
    words: Parameters<typeof greet>[2],
    now: number,
  ): Hail | undefined {
    const attempt = greet(local, record, words);
    return attempt && new Hail(attempt, now);
  }

  /** Whether hints are to be believed again: a forged one must not cut a handshake off before its answer can come. */
  patient(now: number): boolean {
    return now - this.made < HANDSHAKE_PATIENCE;
  }

  /** Tried often enough: the responder refuses what is old, and may have put this one aside unanswered. */
  get wornOut(): boolean {
    return this.#tries >= HANDSHAKE_TRIES;
  }

  get repeated(): boolean {
    return this.#tries > 1;
  }

  /** The packet, which leaves now. */
  packet(now: number): Uint8Array {
    this.#tries++;
    this.again = now + HANDSHAKE_RETRY;
    return this.#attempt.packet;
  }

  concerns(packet: ResponsePacket | RefusedPacket): boolean {
    return compareBytes(this.handshake, packet.handshake) === 0;
  }

  /** Reads the answer; `undefined` when forged, and then the true one can still come. */
  read(packet: ResponsePacket): { answer: Answer; keys: EpochKeys } | undefined {
    return readAnswer(this.#attempt, packet);
  }

  forget(): void {
    this.#attempt.initiation.forget();
  }
}
