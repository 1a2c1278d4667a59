/**
 * What has to be kept of a session so that it goes on when the process that held it was put to
 * sleep or replaced, while its WebSocket lived on with the platform.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { ResumedSession } from "../session/accept.ts";
import type { SignedBytes } from "../wire/protocol.ts";
import type { Seat } from "./registry.ts";

/** Structured-cloneable; some 3 KiB, at most about 9 with 64 correspondents and the longest record. */
export interface KeptSession extends ResumedSession {
  claimed: PeerId;
  address: string;
  /** When it was established, milliseconds since 1970. */
  since: number;
  record: { signed: SignedBytes; expires: number } | null;
  /** Keys of peers elsewhere that will be told when this one leaves. */
  correspondents: Uint8Array[];
}

/** The moment on the clock of this process. */
export function sinceOf({ since }: KeptSession, clock: Clock): number {
  return clock.now() - Math.max(0, clock.wall() - since);
}

/** What to keep of a seat; `since` and `address` as they were when it was taken. */
export function keepSeat(seat: Seat, since: number, address: string): KeptSession {
  const { session, record } = seat;
  const { signed, expires } = record ?? {};
  return {
    claimed: session.remote,
    address,
    since,
    auth: session.auth!,
    session: session.id,
    record: signed && expires ? { signed, expires } : null,
    correspondents: [...seat.correspondents ?? []].map(({ key }) => key),
  };
}
