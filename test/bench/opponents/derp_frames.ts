/**
 * The frames of Tailscale's DERP that a client needs (described in tailscale.com/derp):
 * a type, a length of four bytes, a body. A client proves nothing but that it can read what was
 * sealed for its key (NaCl's crypto_box: X25519, HSalsa20, XSalsa20-Poly1305).
 */
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { x25519 } from "@noble/curves/ed25519.js";
import type { Framing } from "../frame_reader.ts";

export const DERP_HEAD = 5;
const KEY = 32;
const NONCE = 24;
/** "DERP🔑" */
export const DERP_MAGIC: Uint8Array = new TextEncoder().encode("DERP🔑");

export const Derp = {
  serverKey: 0x01,
  clientInfo: 0x02,
  serverInfo: 0x03,
  sendPacket: 0x04,
  receivedPacket: 0x05,
  ping: 0x12,
  pong: 0x13,
} as const;

export function derpFrame(type: number, ...parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const frame = new Uint8Array(DERP_HEAD + size);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, size);
  let offset = DERP_HEAD;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/** The server's key in its first frame, or undefined when that is no DERP server's. */
export function serverKey(frame: Uint8Array): Uint8Array | undefined {
  const body = frame.subarray(DERP_HEAD);
  const isDerp = frame[0] === Derp.serverKey && DERP_MAGIC.every((byte, index) => body[index] === byte);
  return isDerp && body.length >= DERP_MAGIC.length + KEY
    ? body.slice(DERP_MAGIC.length, DERP_MAGIC.length + KEY)
    : undefined;
}

/** The key that two sides share for crypto_box. */
export function boxKey(secret: Uint8Array, theirs: Uint8Array): Uint8Array {
  const key = new Uint32Array(8);
  const sigma = new TextEncoder().encode("expand 32-byte k");
  hsalsa(words(sigma), words(x25519.getSharedSecret(secret, theirs)), new Uint32Array(4), key);
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  key.forEach((word, index) => view.setUint32(index * 4, word, true));
  return bytes;
}

function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

/** Who the client is, and sealed for the server that it speaks version 2. */
export function clientInfo(secret: Uint8Array, server: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (nonce.length !== NONCE) throw new RangeError(`a nonce of crypto_box has 24 bytes, not ${nonce.length}`);
  const sealed = xsalsa20poly1305(boxKey(secret, server), nonce).encrypt(
    new TextEncoder().encode('{"version":2}'),
  );
  return derpFrame(Derp.clientInfo, x25519.getPublicKey(secret), nonce, sealed);
}

export function sendPacket(to: Uint8Array, payload: Uint8Array): Uint8Array {
  return derpFrame(Derp.sendPacket, to, payload);
}

/** Counts packets; every other frame is given to `other`. */
export function derpFraming(other: (frame: Uint8Array) => void): Framing {
  return {
    length: (bytes, offset) =>
      bytes.length - offset < DERP_HEAD
        ? 0
        : DERP_HEAD + new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(1),
    counts: (bytes, offset) => bytes[offset] === Derp.receivedPacket ? 1 : 0,
    other,
  };
}
