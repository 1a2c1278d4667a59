/**
 * The proof that a node knows its network's token. The token itself never travels
 * (protocol rule 5): each side sends, in its greet, a MAC over what makes this
 * session unlike any other.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { equalInConstantTime } from "../identity/constant_time.ts";
import { encode } from "../wire/cbor.ts";
import { Domain, type Key } from "../wire/protocol.ts";

/** Who speaks: without it a proof could be sent back to whoever made it (reflection). */
export type MeshSide = "dialer" | "acceptor";

/** What a proof is bound to. */
export interface MeshSession {
  /** A proof made in one network is worth nothing in another. */
  network: string;
  /** The 32 bytes of the acceptor's hello, never used twice: no proof serves again. */
  challenge: Uint8Array;
  /** Both keys, as the handshake proved them: a node between two others cannot pass a proof on. */
  dialer: Key;
  acceptor: Key;
}

/** Shortest token, in UTF-8 bytes: whoever is dialled gets a proof, and may guess at its token for years. */
export const MIN_MESH_TOKEN = 16;

/**
 * HMAC-SHA-256 (RFC 2104) under the token's UTF-8 bytes over
 * `cbor(["waymeet.1 mesh", side, network, challenge, dialer, acceptor])`; 32 bytes.
 *
 * @throws {RangeError} when the token is too short to withstand guessing.
 *
 * @example
 * ```ts
 * import { meshMac, verifyMeshMac } from "./token.ts";
 * const key = new Uint8Array(32);
 * const session = { network: "main", challenge: key, dialer: key, acceptor: key };
 * const mac = meshMac("a long random token", session, "dialer");
 * verifyMeshMac("a long random token", session, "dialer", mac); // true
 * verifyMeshMac("a long random token", session, "acceptor", mac); // false
 * ```
 */
export function meshMac(token: string, session: MeshSession, speaker: MeshSide): Uint8Array {
  const key = new TextEncoder().encode(token);
  if (key.length < MIN_MESH_TOKEN) {
    throw new RangeError(`a network token has at least ${MIN_MESH_TOKEN} bytes, this has ${key.length}`);
  }
  const { network, challenge, dialer, acceptor } = session;
  return hmac(sha256, key, encode([Domain.mesh, speaker, network, challenge, dialer, acceptor]));
}

/** Whether `mac` is the speaker's proof for this session, in a time that does not depend on where it differs. */
export function verifyMeshMac(
  token: string,
  session: MeshSession,
  speaker: MeshSide,
  mac: Uint8Array | null,
): boolean {
  const expected = meshMac(token, session, speaker);
  return mac !== null && equalInConstantTime(expected, mac);
}
