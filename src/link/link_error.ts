import type { PeerId } from "../identity/peer_id.ts";
import { WaymeetError, type WaymeetErrorCode } from "../wire/error.ts";
import { Reason } from "../wire/protocol.ts";
import type { ConnectionEnd } from "./connection_events.ts";

const CODES: ReadonlyMap<number, WaymeetErrorCode> = new Map<number, WaymeetErrorCode>([
  [Reason.linkClosed, "closed"],
  [Reason.linkRejected, "rejected"],
  [Reason.peerRestarted, "peer-restarted"],
  [Reason.linkProtocolError, "protocol-error"],
  [Reason.linkTimeout, "timeout"],
  [Reason.replaced, "replaced"],
  [Reason.unauthorized, "unauthorized"],
  [Reason.banned, "banned"],
  [Reason.wrongNetwork, "wrong-network"],
  [Reason.absent, "absent"],
]);

/** How a link ended, as an error for those who wait on it. */
export function linkError(end: ConnectionEnd | undefined, peer: PeerId): WaymeetError {
  const { reason, text } = end ?? { reason: Reason.linkClosed, text: "closed" };
  return new WaymeetError(CODES.get(reason) ?? "closed", text || "the link is closed", { peer });
}
