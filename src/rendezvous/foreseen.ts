/**
 * The record that comes with an auth. It is verified while the auth is judged, so that it is kept, and
 * told to other nodes, before the frames behind it go anywhere.
 *
 * @module
 */
import { compareBytes } from "../wire/cbor.ts";
import { isData } from "../wire/data_frame.ts";
import { decodeControl } from "../wire/frames.ts";
import type { SignedBytes } from "../wire/protocol.ts";
import { verifyRecord } from "../wire/record.ts";
import { checkBatch, frameEnd } from "../wire/sequence.ts";

/** What `verifyRecord` said. */
export type RecordVerdict = Awaited<ReturnType<typeof verifyRecord>>;

export interface Foreseen {
  readonly signed: SignedBytes;
  readonly verdict: RecordVerdict;
  /** Whether it goes before words to another peer, who may answer at once. */
  readonly leads: boolean;
}

/** Verifies the record that these messages begin with; `undefined` when they begin otherwise. */
export async function foresee(
  early: readonly Uint8Array[],
  context: Parameters<typeof verifyRecord>[1],
): Promise<Foreseen | undefined> {
  const [message] = early;
  if (message === undefined || checkBatch(message) < 0) return undefined;
  const end = frameEnd(message, 0);
  const frame = decodeControl(message.slice(0, end));
  if (frame?.kind !== "publish") return undefined;
  const signed = frame.record;
  const verdict = await verifyRecord(signed, context).catch(() => undefined);
  return verdict && { signed, verdict, leads: isData(message, end) };
}

/** Whether these are the very bytes that were verified. */
export function isOf({ signed }: Foreseen, { body, signature }: SignedBytes): boolean {
  return compareBytes(signed.body, body) === 0 && compareBytes(signed.signature, signature) === 0;
}
