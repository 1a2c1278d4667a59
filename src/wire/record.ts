/**
 * A peer's signed word on where and how it is reached (protocol rule 3). Nodes keep
 * and pass on the signed bytes; they can withhold a record, never change one.
 *
 * @module
 */
import type { Identity } from "../identity/identity.ts";
import { verify } from "../identity/identity.ts";
import { invalidKey } from "../identity/key_check.ts";
import { byteStringsBehind } from "./byte_strings.ts";
import { compareBytes, decode, type Value } from "./cbor.ts";
import { CLOCK_SKEW, MAX_NODES, RECORD_LIFETIME, UNTOLD_SKEW } from "./limits.ts";
import { Domain, type PeerRecord, type SignedBytes } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { is32, isBytes, isList, isText, isUint, SIGNATURE_SIZE } from "./shape.ts";

/** Why {@link verifyRecord} refuses. */
export type RecordError =
  | "malformed"
  | "wrong-network"
  | "too-long"
  | "future"
  | "expired"
  | "bad-key"
  | "bad-signature";

/** What a record is judged against. */
export interface RecordContext {
  network: string;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Signs `record` with the identity it names.
 *
 * @throws {RangeError} when a field is out of bounds or the record is of another key.
 */
export async function signRecord(identity: Identity, record: PeerRecord): Promise<SignedBytes> {
  if (compareBytes(identity.publicKey, record.peer) !== 0) {
    throw new RangeError("a record is signed by the peer it names: use that peer's identity");
  }
  const body = encodeRecordBody(record);
  return { body, signature: await identity.sign(recordSigned(body)) };
}

/** The bytes of a record that travel; what is signed is {@link recordSigned} of them. */
export function encodeRecordBody(record: PeerRecord): Uint8Array {
  const { peer, instance, started, linkKey, nodes, sequence, issued, expires, network } = record;
  const items = [peer, instance, started, linkKey, nodes, sequence, issued, expires, network];
  return encodeChecked(items, readItems(items), "record");
}

/** What the signature of a record covers: its domain keeps it from serving as anything else. */
export function recordSigned(body: Uint8Array): Uint8Array {
  return byteStringsBehind(Domain.record, body);
}

/** The shape alone: nothing is verified. `undefined` when malformed. */
export function readRecord(signed: SignedBytes): PeerRecord | undefined {
  if (signed.signature.length !== SIGNATURE_SIZE) return undefined;
  const items = decode(signed.body);
  return Array.isArray(items) ? readItems(items) : undefined;
}

function readItems(items: Value[]): PeerRecord | undefined {
  const [peer, instance, started, linkKey, nodes, sequence, issued, expires, network] = items;
  if (!is32(peer) || !isBytes(instance, 16) || !isUint(started) || !is32(linkKey)) return undefined;
  if (!isList(nodes, MAX_NODES, is32) || !isUint(sequence) || !isUint(issued) || !isUint(expires)) {
    return undefined;
  }
  if (!isText(network)) return undefined;
  return { peer, instance, started, linkKey, nodes, sequence, issued, expires, network };
}

/**
 * The record, once everything that it claims has been checked: its shape, network,
 * times, key and signature, the cheap checks first. Never throws on a stranger's
 * bytes.
 *
 * @example
 * ```ts
 * import { verifyRecord } from "./record.ts";
 * const signed = { body: new Uint8Array(), signature: new Uint8Array(64) };
 * await verifyRecord(signed, { network: "main", now: Date.now() }); // { error: "malformed" }
 * ```
 */
export async function verifyRecord(
  signed: SignedBytes,
  context: RecordContext,
): Promise<{ record: PeerRecord; error?: undefined } | { error: RecordError }> {
  const record = readRecord(signed);
  if (!record) return { error: "malformed" };
  if (record.network !== context.network) return { error: "wrong-network" };
  const untimely = timeError(record, context.now);
  if (untimely) return { error: untimely };
  if (invalidKey(record.peer) !== undefined) return { error: "bad-key" };
  const genuine = await verify(record.peer, recordSigned(signed.body), signed.signature);
  return genuine ? { record } : { error: "bad-signature" };
}

/** A future `started` would let a wrong clock bury every later process of its key. */
function timeError(record: PeerRecord, now: number): RecordError | undefined {
  if (record.started > now + CLOCK_SKEW) return "future";
  return lifetimeError(record, now);
}

/**
 * Why nothing with these times may be taken by a reader whose clock says `now`. The clocks of signer and
 * reader are not compared but for {@link CLOCK_SKEW}: for how long it holds, the reader counts by itself.
 */
export function lifetimeError({ issued, expires }: Lifetime, now: number): RecordError | undefined {
  if (expires <= issued) return "malformed";
  if (expires - issued > RECORD_LIFETIME) return "too-long";
  if (issued > now + CLOCK_SKEW) return "future";
  return expires <= now - CLOCK_SKEW ? "expired" : undefined;
}

/** From when until when something holds, by its signer's clock. */
export type Lifetime = Pick<PeerRecord, "issued" | "expires">;

/** The same of a record of which nobody told how long it still holds: clocks have to agree then. */
export function untoldError(
  { issued, started, expires }: Lifetime & Pick<PeerRecord, "started">,
  now: number,
): RecordError | undefined {
  if (Math.max(issued, started) > now + UNTOLD_SKEW) return "future";
  return expires <= now ? "expired" : undefined;
}

/** What is told beside a record that is held here until `until`, at `now`: whole milliseconds, never more than it may live. */
export function leftOf(until: number, now: number): number {
  return Math.max(0, Math.min(RECORD_LIFETIME, Math.floor(until - now)));
}

/** Positive when `a` is newer than `b`, by (started, instance, sequence); 0 for the same version. */
export function compareRecords(a: PeerRecord, b: PeerRecord): number {
  return a.started - b.started || compareBytes(a.instance, b.instance) || a.sequence - b.sequence;
}
