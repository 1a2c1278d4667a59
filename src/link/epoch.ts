/**
 * The keys that one handshake made, and the packets under them.
 *
 * @module
 */
import type { Cipher } from "./aead.ts";
import { type CipherId, type Sealing, sealingOf } from "./ciphers.ts";
import type { TransportKeys } from "./noise.ts";
import { blankTransport, epochId, TRANSPORT_HEADER, type TransportPacket } from "./packet.ts";
import { ReplayWindow } from "./replay.ts";
import { sizeOfAll, writeBytes } from "../wire/join_bytes.ts";

/** Milliseconds after which fresh keys are due: what a key thief can read stays within minutes; one handshake costs about 1 ms. */
export const REKEY_AFTER = 180_000;
/** Milliseconds by which the side that answered waits longer: otherwise both would begin at once, every time. */
export const REKEY_PATIENCE = 15_000;
/**
 * Bytes sealed after which fresh keys are due: 64 GiB, which takes {@link REKEY_AFTER}
 * at 380 MB/s, faster than these ciphers. So time comes first, and this bounds what lies
 * under one key when a hostile node lets data pass but no handshake.
 */
export const REKEY_BYTES: number = 2 ** 36;
/** Packets sealed after which fresh keys are due: 6 million a second for {@link REKEY_AFTER}. */
export const REKEY_PACKETS: number = 2 ** 30;
/**
 * Forged packets after which an epoch opens nothing more. One forgery of L bytes passes
 * with probability at most 8·⌈L/16⌉ / 2^106 (Poly1305), 2^-90 for 128 KiB, so all of
 * them together below 2^-60; AES-GCM's chance is smaller still. RFC 9001 §6.6 allows 2^36 and 2^52.
 */
export const FORGERY_LIMIT: number = 2 ** 30;

/** What a finished handshake gives: keys, and the cipher they are for. */
export interface EpochKeys extends TransportKeys {
  cipher: CipherId;
}

export interface EpochOptions {
  /** 8 bytes, as in the init packet. */
  handshake: Uint8Array;
  /** Copied, then erased: nothing else may seal under them. */
  keys: EpochKeys;
  /** True on the side that sent message 1. */
  initiated: boolean;
  /** Monotonic milliseconds. */
  createdAt: number;
}

/**
 * One epoch: seals under counters 0, 1, 2 … and opens each counter once.
 *
 * @example
 * ```ts
 * const packet = readPacket(ofAlice.seal(new Uint8Array([1])));
 * if (packet?.kind === "transport") ofBob.open(packet); // [1], and undefined the second time
 * ```
 */
export class Epoch {
  /** The number its packets carry. Two epochs may share it. */
  readonly id: number;
  readonly initiated: boolean;
  readonly createdAt: number;
  /** The handshake's hash: the same on both sides. */
  readonly hash: Uint8Array;
  /** Plaintext bytes sealed. */
  sealedBytes = 0;
  /** Packets sealed, which is also the next counter. */
  sealedPackets = 0;
  /** Packets that named this epoch and did not open; replays are not counted. */
  forgeries = 0;
  readonly #sealing: Sealing;
  readonly #send: Cipher;
  readonly #receive: Cipher;
  readonly #seen: ReplayWindow = new ReplayWindow();

  constructor({ handshake, keys, initiated, createdAt }: EpochOptions) {
    this.id = epochId(handshake);
    this.initiated = initiated;
    this.createdAt = createdAt;
    this.hash = keys.hash;
    this.#sealing = sealingOf(keys.cipher);
    this.#send = this.#sealing.aead(keys.send);
    this.#receive = this.#sealing.aead(keys.receive);
    keys.send.fill(0);
    keys.receive.fill(0);
  }

  /** A whole transport packet around these pieces. Throws RangeError past what {@link Sealing} bears, TypeError after {@link forget}. */
  seal(...pieces: Uint8Array[]): Uint8Array {
    return this.#seal(pieces, false);
  }

  /**
   * As {@link seal}, in memory that the next such packet of any epoch overwrites: for what copies it
   * at once. Fresh memory for each packet of 16 KiB had a collector take a tenth of a sender's time.
   */
  sealPassing(...pieces: Uint8Array[]): Uint8Array {
    return this.#seal(pieces, true);
  }

  #seal(pieces: Uint8Array[], passing: boolean): Uint8Array {
    const size = sizeOfAll(pieces);
    const { maxPackets, maxBytes } = this.#sealing;
    if (this.sealedPackets >= maxPackets || this.sealedBytes + size > maxBytes) {
      throw new RangeError("this epoch is used up: make a new handshake");
    }
    const counter = this.sealedPackets++;
    this.sealedBytes += size;
    const packet = blankTransport(this.id, counter, size, passing);
    const sealed = packet.subarray(TRANSPORT_HEADER);
    writeBytes(sealed, pieces);
    this.#send.seal(counter, packet.subarray(0, TRANSPORT_HEADER), sealed.subarray(0, size), sealed);
    return packet;
  }

  /** The plaintext, or `undefined` for a packet that is forged, of another epoch, too old or seen before. */
  open(packet: TransportPacket): Uint8Array | undefined {
    if (packet.epoch !== this.id || this.forgeries >= FORGERY_LIMIT) return undefined;
    if (!this.#seen.check(packet.counter)) return undefined;
    const plaintext = this.#receive.open(packet.counter, packet.header, packet.sealed);
    if (plaintext === undefined) this.forgeries++;
    else this.#seen.accept(packet.counter);
    return plaintext;
  }

  /** True when fresh keys are due, by age, by volume, or because half of the forgeries it bears were tried. */
  needsRekey(now: number): boolean {
    const age = this.initiated ? REKEY_AFTER : REKEY_AFTER + REKEY_PATIENCE;
    return now - this.createdAt >= age || this.sealedBytes >= REKEY_BYTES ||
      this.sealedPackets >= REKEY_PACKETS || this.forgeries >= FORGERY_LIMIT / 2;
  }

  /** Erases the keys. Nothing opens any more; sealing throws. */
  forget(): void {
    this.#send.forget();
    this.#receive.forget();
  }
}
