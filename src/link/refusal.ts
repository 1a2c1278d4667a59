import type { PeerId } from "../identity/peer_id.ts";
import { WaymeetError, type WaymeetErrorCode } from "../wire/error.ts";
import { MAX_SIZE } from "./limits.ts";
import type { PostOptions } from "./posts.ts";

/** What a link that has not ended knows of itself when a message is posted. */
export interface Readiness {
  peer: PeerId;
  /** Said goodbye, or will. */
  closing: boolean;
  /** A message sent now may be expected to arrive. */
  reachable: boolean;
}

/** Why a message is not taken, if it is not. */
export function refusal(
  { peer, closing, reachable }: Readiness,
  data: Uint8Array,
  { deadline, signal }: PostOptions,
): WaymeetError | undefined {
  const error = (code: WaymeetErrorCode, text: string, cause?: unknown) =>
    new WaymeetError(code, text, { peer, cause });
  if (closing) return error("closed", "the link is being closed");
  if (signal?.aborted) return error("aborted", "the send was aborted", signal.reason);
  if (data.length > MAX_SIZE) {
    return error(
      "too-large",
      `a message has at most ${MAX_SIZE} bytes, this one ${data.length}: send it as a stream (link.openStream)`,
    );
  }
  if (deadline === 0 && !reachable) {
    return error("absent", "the peer is away: give the send a deadline to wait for it");
  }
  return undefined;
}
