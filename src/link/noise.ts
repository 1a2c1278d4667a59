/**
 * `Noise_IK_25519_ChaChaPoly_SHA256` (noiseprotocol.org, revision 34): the handshake of
 * a link. The initiator knows the responder's static key from its signed record, so its
 * first message already carries encrypted data:
 *
 *     ← s                        (known before, from the record)
 *     → e, es, s, ss  payload    identity of the initiator hidden from nodes
 *     ← e, ee, se     payload    from here on both have forward secrecy
 *
 * What the first payload lacks (§7.7): it can be replayed, see `init_cache.ts`, and who
 * steals the responder's link key can read it; that key dies with its process.
 *
 * Pure but for the ephemeral key, which is a parameter too. Whatever a stranger sends
 * yields `undefined`, never an exception.
 *
 * @module
 */
import { KEY_SIZE, TAG_SIZE } from "./aead.ts";
import { dh, generateLinkKey, type KeyPair } from "./dh.ts";
import { SymmetricState } from "./noise_state.ts";
import { joinBytes } from "../wire/join_bytes.ts";
import { DH_SIZE } from "./x25519.ts";

export const PROTOCOL_NAME = "Noise_IK_25519_ChaChaPoly_SHA256";
/** Largest Noise message, bytes (§3). */
export const MAX_NOISE_MESSAGE = 65_535;
/** Bytes that message 1 adds to its payload: e, sealed s, tag. */
export const MESSAGE_1_OVERHEAD: number = DH_SIZE + DH_SIZE + TAG_SIZE + TAG_SIZE;
/** Bytes that message 2 adds to its payload: e, tag. */
export const MESSAGE_2_OVERHEAD: number = DH_SIZE + TAG_SIZE;

/** What a finished handshake gives: two transport keys whose counters begin at 0. */
export interface TransportKeys {
  /** 32 bytes: this side seals with it. */
  send: Uint8Array;
  /** 32 bytes: the other side seals with it. */
  receive: Uint8Array;
  /** 32 bytes, the same on both sides and on no other handshake: for channel binding (§11.2). */
  hash: Uint8Array;
}

export interface InitiateOptions {
  /** What both must agree on before; differing prologues fail the handshake. */
  prologue: Uint8Array;
  static: KeyPair;
  /** The responder's link key, out of its verified record. */
  remoteStatic: Uint8Array;
  payload: Uint8Array;
  /** A fresh key of the caller's random source: a repeated one gives the payload away. Erased after use. */
  ephemeral?: KeyPair;
}

export interface Initiation {
  /** Message 1. Sending the same bytes again is safe. */
  message: Uint8Array;
  /**
   * Reads message 2. A forged one yields `undefined` and leaves the state as it was, so
   * that the true one can still come. Succeeds once: the same keys twice would mean the
   * same counters twice.
   */
  readResponse(message: Uint8Array): (TransportKeys & { payload: Uint8Array }) | undefined;
  /** Erases the keys of an attempt that is given up. */
  forget(): void;
}

export interface RespondOptions {
  prologue: Uint8Array;
  static: KeyPair;
  /** Message 1. */
  message: Uint8Array;
}

export interface Response {
  /** The initiator's link key, proven to be its own; whose it is, its record must tell. */
  remoteStatic: Uint8Array;
  payload: Uint8Array;
  /** Message 2 and the keys. Throws TypeError when called again. `ephemeral` is fresh, as for {@link initiate}. */
  write(payload: Uint8Array, ephemeral?: KeyPair): TransportKeys & { message: Uint8Array };
  /** Erases the keys of a handshake that is refused. */
  forget(): void;
}

function begin(prologue: Uint8Array, responder: Uint8Array): SymmetricState {
  const state = new SymmetricState(PROTOCOL_NAME);
  state.mixHash(prologue);
  state.mixHash(responder);
  return state;
}

/** Mixes in one agreement (`es`, `ss`, `ee` or `se`); false for a public key of small order. */
function mixDh(state: SymmetricState, mine: KeyPair, theirs: Uint8Array): boolean {
  const secret = dh(mine.secretKey, theirs);
  if (secret !== undefined) state.mixKey(secret);
  return secret !== undefined;
}

function checkPayload(payload: Uint8Array, overhead: number): void {
  const room = MAX_NOISE_MESSAGE - overhead;
  if (payload.length > room) {
    throw new RangeError(
      `a handshake payload has at most ${room} bytes, this one ${payload.length}: send the rest after it`,
    );
  }
}

/**
 * Begins a handshake. `undefined` when `remoteStatic` is no usable key (wrong length or
 * small order): a stranger's record may say anything. Throws RangeError for a payload
 * above {@link MAX_NOISE_MESSAGE} less overhead.
 *
 * @example
 * ```ts
 * const alice = generateLinkKey(), bob = generateLinkKey();
 * const prologue = new TextEncoder().encode("example"), payload = new Uint8Array([1]);
 * const initiation = initiate({ prologue, static: alice, remoteStatic: bob.publicKey, payload })!;
 * const response = respond({ prologue, static: bob, message: initiation.message })!;
 * const ofBob = response.write(new Uint8Array([2]));
 * const ofAlice = initiation.readResponse(ofBob.message)!; // ofAlice.send equals ofBob.receive
 * ```
 */
export function initiate(options: InitiateOptions): Initiation | undefined {
  const { prologue, static: own, remoteStatic, payload, ephemeral = generateLinkKey() } = options;
  checkPayload(payload, MESSAGE_1_OVERHEAD);
  const state = begin(prologue, remoteStatic);
  state.mixHash(ephemeral.publicKey);
  if (!mixDh(state, ephemeral, remoteStatic)) return undefined;
  const sealedStatic = state.encryptAndHash(own.publicKey);
  if (!mixDh(state, own, remoteStatic)) return undefined;
  const message = joinBytes([ephemeral.publicKey, sealedStatic, state.encryptAndHash(payload)]);
  return pending(message, state, own, ephemeral);
}

function pending(message: Uint8Array, sent: SymmetricState, own: KeyPair, ephemeral: KeyPair): Initiation {
  let state: SymmetricState | undefined = sent;
  const forget = () => {
    state?.forget();
    state = undefined;
    ephemeral.secretKey.fill(0);
  };
  return {
    message,
    forget,
    readResponse(response) {
      const attempt = state?.copy();
      const payload = attempt && readMessage2(attempt, own, ephemeral, response);
      if (payload === undefined) return void attempt?.forget();
      forget();
      const { hash } = attempt!;
      const [send, receive] = attempt!.split();
      return { payload, send, receive, hash };
    },
  };
}

function readMessage2(
  state: SymmetricState,
  own: KeyPair,
  ephemeral: KeyPair,
  message: Uint8Array,
): Uint8Array | undefined {
  if (message.length < MESSAGE_2_OVERHEAD || message.length > MAX_NOISE_MESSAGE) return undefined;
  const theirs = message.subarray(0, DH_SIZE);
  state.mixHash(theirs);
  if (!mixDh(state, ephemeral, theirs) || !mixDh(state, own, theirs)) return undefined;
  return state.decryptAndHash(message.subarray(DH_SIZE));
}

/** Reads message 1. `undefined` when it is not for this key and prologue, or not what its sender wrote. */
export function respond(options: RespondOptions): Response | undefined {
  const { prologue, static: own, message } = options;
  if (message.length < MESSAGE_1_OVERHEAD || message.length > MAX_NOISE_MESSAGE) return undefined;
  const sealedEnd = DH_SIZE + KEY_SIZE + TAG_SIZE;
  const theirs = message.slice(0, DH_SIZE);
  const state = begin(prologue, own.publicKey);
  state.mixHash(theirs);
  if (!mixDh(state, own, theirs)) return undefined;
  const remoteStatic = state.decryptAndHash(message.subarray(DH_SIZE, sealedEnd));
  if (remoteStatic === undefined || !mixDh(state, own, remoteStatic)) return undefined;
  const payload = state.decryptAndHash(message.subarray(sealedEnd));
  if (payload === undefined) return undefined;
  return answerable(state, theirs, remoteStatic, payload);
}

function answerable(
  read: SymmetricState,
  theirs: Uint8Array,
  remoteStatic: Uint8Array,
  payload: Uint8Array,
): Response {
  let state: SymmetricState | undefined = read;
  const forget = () => {
    state?.forget();
    state = undefined;
  };
  return {
    remoteStatic,
    payload,
    forget,
    write(answer, ephemeral = generateLinkKey()) {
      checkPayload(answer, MESSAGE_2_OVERHEAD);
      if (state === undefined) {
        throw new TypeError("this handshake was answered or forgotten: keep its first answer");
      }
      const message = writeMessage2(state, theirs, remoteStatic, answer, ephemeral);
      const { hash } = state;
      const [receive, send] = state.split();
      state = undefined;
      return { message, send, receive, hash };
    },
  };
}

function writeMessage2(
  state: SymmetricState,
  theirs: Uint8Array,
  remoteStatic: Uint8Array,
  payload: Uint8Array,
  ephemeral: KeyPair,
): Uint8Array {
  state.mixHash(ephemeral.publicKey);
  // Neither can fail: message 1 opened, so both keys already gave a secret that was not zero.
  if (!mixDh(state, ephemeral, theirs) || !mixDh(state, ephemeral, remoteStatic)) {
    throw new Error("a key of small order passed message 1");
  }
  const sealed = state.encryptAndHash(payload);
  ephemeral.secretKey.fill(0);
  return joinBytes([ephemeral.publicKey, sealed]);
}
