import type { PeerId } from "../identity/peer_id.ts";
import type { Session } from "../session/session.ts";

/** A way to another node, whatever carries it. */
export interface NodeWay {
  readonly remote: PeerId;
  readonly session: Pick<Session, "buffered" | "send" | "state">;
}
