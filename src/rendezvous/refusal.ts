import type { Reason } from "../wire/protocol.ts";

/** Why the node turned a proven peer away. */
export interface Refusal {
  reason: Reason;
  text: string;
}
