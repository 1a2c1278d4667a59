import type { Quotas } from "./quotas.ts";
import type { Refusal } from "./refusal.ts";

/** Whether a peer is admitted; a refusal says why not, and what to do about it, to the person who runs the peer. */
export type Judgement = { ok: true; quotas?: Quotas } | ({ ok: false } & Refusal);
