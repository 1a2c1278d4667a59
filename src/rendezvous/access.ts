/**
 * Who may have a session. The key is proven before anybody asks here; whatever goes
 * wrong refuses.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { type AuthBody, Reason } from "../wire/protocol.ts";
import { type Applicant, type Ask, judgeByCallback } from "./access_callback.ts";
import { judgeToken } from "./access_token.ts";
import type { Judgement } from "./judgement.ts";
import type { Quotas } from "./quotas.ts";

export { issueToken, type TokenGrant } from "./access_token.ts";
export type { Applicant, Ask, Judgement, Quotas };

/** The choice an operator makes. */
export type Access =
  /** Everybody who knows the address. */
  | { kind: "open" }
  /** These peers alone. The iterable is read at each decision, so a live `Set` may change. */
  | { kind: "allow-list"; peers: Iterable<PeerId> }
  /** Everybody but these peers. */
  | { kind: "deny-list"; peers: Iterable<PeerId> }
  /** Who brings a token (JWT, EdDSA) signed by one of these keys. */
  | { kind: "token"; issuers: Iterable<PeerId> }
  /** Whom your own program lets in; without an answer within two seconds, nobody. */
  | { kind: "callback"; ask: Ask };

/** What a decision is made from. */
export interface AccessContext {
  network: string;
  /** The peer's, as the node sees it; `""` when nobody tells. */
  address: string;
  /** Milliseconds since 1970. */
  now: number;
  clock: Clock;
}

/** Whether this peer may have a session. */
export function judge(
  access: Access,
  auth: AuthBody,
  context: AccessContext,
): Promise<Judgement> | Judgement {
  const peer = peerIdText(auth.id);
  switch (access.kind) {
    case "open":
      return { ok: true };
    case "allow-list":
      return isOn(access.peers, peer)
        ? { ok: true }
        : refusal(`this node admits listed peers only; ask its operator to add ${peer}`);
    case "deny-list":
      return isOn(access.peers, peer)
        ? refusal(`this node's operator does not admit ${peer}; ask them, or use another node`)
        : { ok: true };
    case "token":
      return judgeToken(access.issuers, auth, context);
    case "callback":
      return judgeByCallback(access.ask, { peer, ...context, agent: auth.agent, token: auth.token });
    default:
      return refusal("this node's access choice is unknown; its operator has to correct it");
  }
}

function refusal(text: string): Judgement {
  return { ok: false, reason: Reason.unauthorized, text };
}

function isOn(peers: Iterable<PeerId>, id: PeerId): boolean {
  if (peers instanceof Set) return peers.has(id);
  for (const peer of peers) if (peer === id) return true;
  return false;
}
