import type { PeerId } from "../identity/peer_id.ts";
import type { Quotas } from "./quotas.ts";
import type { Refusal } from "./refusal.ts";

/** What a peer's access is worth. */
export interface Grant {
  /** Bounds below the node's own. */
  quotas?: Quotas;
  /** Milliseconds since 1970 until which it holds; then the session ends. */
  until?: number;
  /** Whose key signed its token. */
  issuer?: PeerId;
}

/** A grant that says something: thousands of sessions keep none. */
export function limited({ quotas, until, issuer }: Grant): Grant | undefined {
  return quotas ?? until ?? issuer ? { quotas, until, issuer } : undefined;
}

/** Whether a peer is admitted; a refusal says why not, and what to do about it, to the person who runs the peer. */
export type Judgement = ({ ok: true } & Grant) | ({ ok: false } & Refusal);
