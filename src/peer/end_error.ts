import type { PeerId } from "../identity/peer_id.ts";
import type { Finding } from "../link/seeker.ts";
import type { SessionEnd } from "../session/session.ts";
import { WaymeetError, type WaymeetErrorCode } from "../wire/error.ts";
import { Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";

const CODES: ReadonlyMap<number, WaymeetErrorCode> = new Map<number, WaymeetErrorCode>([
  [Reason.replaced, "replaced"],
  [Reason.overCapacity, "over-capacity"],
  [Reason.unauthorized, "unauthorized"],
  [Reason.expired, "unauthorized"],
  [Reason.banned, "banned"],
  [Reason.wrongNetwork, "wrong-network"],
  [Reason.overQuota, "over-quota"],
  [Reason.protocolError, "protocol-error"],
  [Reason.unsupportedVersion, "protocol-error"],
  [Reason.badSignature, "protocol-error"],
]);

/** The end of a session with a node as an error for the program. */
export function errorOf(end: SessionEnd, url: string): WaymeetError {
  const code = isSilence(end) ? "node-unreachable" : CODES.get(end.reason) ?? "refused";
  const text = end.text || reasonName(end.reason);
  if (code === "node-unreachable") {
    return new WaymeetError(code, `no session with ${url}: ${text}. Is a node running there?`);
  }
  if (code === "replaced") {
    return new WaymeetError(
      code,
      "another program opened a peer with this key and took its place; give each program its own key",
    );
  }
  if (end.by === "local" && end.reason === Reason.internalError) {
    return new WaymeetError(
      code,
      `no session with ${url}: this program's token function or key failed; its own error was reported`,
    );
  }
  const who = end.by === "local" ? `no session with ${url}` : `${url} says ${reasonName(end.reason)}`;
  return new WaymeetError(code, `${who}: ${text}`);
}

/** Nobody answered, or not as a node does. */
function isSilence({ by, reason }: SessionEnd): boolean {
  const waited = reason === Reason.handshakeTimeout || reason === Reason.pingTimeout;
  return by === "network" || (by === "local" && waited);
}

/** What a dial fails with that came too late, or to nothing. */
export function notFound(finding: Finding, peer: PeerId, deadline: number): WaymeetError {
  if (finding.kind === "lost") {
    return new WaymeetError("node-unreachable", "the node did not answer: is it running?", { peer });
  }
  const text = deadline > 0
    ? `the peer did not come within ${deadline} ms`
    : "no node knows this peer: is it running? A dial with a deadline waits for it";
  return new WaymeetError("absent", text, { peer });
}

/** Names the peer in what a dial failed with. */
export function about(peer: PeerId, error: unknown): unknown {
  if (!(error instanceof WaymeetError) || error.peer !== undefined) return error;
  return new WaymeetError(error.code, error.message, { peer, cause: error.cause });
}
