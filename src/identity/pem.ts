/**
 * An ed25519 seed as PKCS#8 in PEM (RFC 8410 §7, RFC 7468 §10): what `openssl pkey` reads and
 * `openssl genpkey -algorithm ed25519` writes.
 *
 * @module
 */
import { bytesToHex } from "@noble/hashes/utils.js";
import { pkcs8 } from "./pkcs8.ts";

const LABEL = "PRIVATE KEY";

/**
 * Writes a seed as an unencrypted PEM private key.
 *
 * @throws {TypeError} if `seed` has another length than 32 bytes.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const seed = new Uint8Array(32).fill(7);
 * assert.deepEqual(decodePem(encodePem(seed)), seed);
 * ```
 */
export function encodePem(seed: Uint8Array): string {
  if (seed.length !== 32) throw new TypeError(`a seed has 32 bytes, this has ${seed.length}`);
  return `-----BEGIN ${LABEL}-----\n${btoa(String.fromCharCode(...pkcs8(seed)))}\n-----END ${LABEL}-----\n`;
}

/**
 * Reads the seed of the first PEM block of a text.
 *
 * @throws {TypeError} saying what it is instead: no PEM, an encrypted key, a public key,
 * another algorithm, cut off.
 */
export function decodePem(text: string): Uint8Array {
  const { label, base64 } = findBlock(text);
  if (label !== LABEL) throw new TypeError(wrongLabel(label));
  return readPrivateKey(decodeBase64(base64));
}

function findBlock(text: string): { label: string; base64: string } {
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text);
  if (begin === null) throw new TypeError(`not PEM: no line "-----BEGIN ${LABEL}-----"`);
  const label = begin[1]!;
  const start = begin.index + begin[0].length;
  const end = text.indexOf(`-----END ${label}-----`, start);
  if (end < 0) throw new TypeError(`the PEM text is cut off: no line "-----END ${label}-----"`);
  return { label, base64: text.slice(start, end).replace(/\s+/g, "") };
}

function wrongLabel(label: string): string {
  switch (label) {
    case "ENCRYPTED PRIVATE KEY":
      return "the key is encrypted: decrypt it first with `openssl pkey -in FILE -out NEWFILE`";
    case "PUBLIC KEY":
      return "this is a public key; the private key is needed";
    case "OPENSSH PRIVATE KEY":
      return "this is an OpenSSH key; make a PKCS#8 one with `openssl genpkey -algorithm ed25519`";
    default:
      return `expected a PEM block "${LABEL}", this is "${label}"; make one with \`openssl genpkey -algorithm ed25519\``;
  }
}

function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new TypeError("the PEM block is damaged: its content is not base64");
  }
}

/** Object identifier 1.3.101.112 (RFC 8410 §3) in hex, without tag and length. */
const ED25519 = "2b6570";

/** Other algorithms that people put in such files: the same of each. */
const OTHER_ALGORITHMS: Readonly<Record<string, string>> = {
  "2b656e": "X25519",
  "2b656f": "X448",
  "2b6571": "Ed448",
  "2a864886f70d010101": "RSA",
  "2a8648ce3d0201": "an elliptic curve in Weierstrass form (ECDSA)",
};

const SEQUENCE = 0x30, INTEGER = 2, OCTETS = 4, OID = 6;

/** `SEQUENCE { version, SEQUENCE { algorithm }, OCTET STRING { OCTET STRING seed }, … }`; what follows (RFC 5958) is ignored. */
function readPrivateKey(der: Uint8Array): Uint8Array {
  const whole = readElement(der, SEQUENCE);
  const version = readElement(whole.content, INTEGER);
  const algorithm = readElement(version.rest, SEQUENCE);
  checkAlgorithm(bytesToHex(readElement(algorithm.content, OID).content));
  const seed = readElement(readElement(algorithm.rest, OCTETS).content, OCTETS).content;
  if (seed.length !== 32) throw new TypeError(`an ed25519 private key has 32 bytes, this has ${seed.length}`);
  return seed.slice();
}

function checkAlgorithm(oid: string): void {
  if (oid === ED25519) return;
  const name = OTHER_ALGORITHMS[oid] ?? `algorithm ${oid}`;
  throw new TypeError(`an ed25519 key is needed, this one is for ${name}`);
}

/** One DER element (X.690 §8.1) with a length below 64 KiB. */
function readElement(bytes: Uint8Array, tag: number): { content: Uint8Array; rest: Uint8Array } {
  if (bytes[0] !== tag) throw new TypeError("the PEM block is damaged: it holds no PKCS#8 private key");
  const long = bytes[1]! >= 0x80 ? bytes[1]! - 0x80 : 0;
  let length = long === 0 ? bytes[1]! : 0;
  for (let i = 0; i < long; i++) length = length * 256 + (bytes[2 + i] ?? NaN);
  const end = 2 + long + length;
  if (!(end <= bytes.length)) throw new TypeError("the PEM block is cut off");
  return { content: bytes.subarray(2 + long, end), rest: bytes.subarray(end) };
}
