/** Watches: a peer asks its node to be told where others are. */
import type { Value } from "./cbor.ts";
import { FieldFrames } from "./field_frames.ts";
import { MAX_WATCHED } from "./limits.ts";
import { type Key, Kind, type Reason, type Sighting, type Unwatch, type Watch } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { is32, isList, isReason } from "./shape.ts";

const isWatched = (value: Value | undefined): value is Key[] => isList(value, MAX_WATCHED, is32);

export const watchFrames: FieldFrames<Watch | Unwatch> = new FieldFrames<Watch | Unwatch>({
  watch: { peers: isWatched },
  unwatch: { peers: isWatched },
});

/** @throws {RangeError} for more than `MAX_WATCHED` peers: cut the list. */
export function encodeWatch(peers: Key[]): Uint8Array {
  return watchFrames.encode({ kind: "watch", peers });
}

/** @throws {RangeError} for more than `MAX_WATCHED` peers: cut the list. */
export function encodeUnwatch(peers: Key[]): Uint8Array {
  return watchFrames.encode({ kind: "unwatch", peers });
}

/** Reason 0 with a node, any other with `null`. */
export function encodeSighting(reason: Reason, peer: Key, node: Key | null): Uint8Array {
  const frame = [Kind.sighting, reason, peer, node];
  return encodeChecked(frame, readSighting(frame), "sighting");
}

export function readSighting([, reason, peer, node]: Value[]): Sighting | undefined {
  if (!isReason(reason) || !is32(peer)) return undefined;
  if (reason !== 0) return node === null ? { kind: "sighting", reason, peer, node } : undefined;
  return is32(node) ? { kind: "sighting", reason, peer, node } : undefined;
}
