/** What a peer tells, and is told, in plain data. */
import type { PeerId } from "../identity/peer_id.ts";
import type { Link } from "../link/link.ts";
import type { Plane } from "../link/planes.ts";
import type { Session } from "../session/session.ts";
import type { Rate } from "../wire/protocol.ts";
import type { LinkRequest } from "./request.ts";

/** A change in the session with the node. */
export interface NodeChange {
  /**
   * `promoted`: the standby is home from now on, because home was lost or this node is clearly
   * the nearer one; `stopped`: nothing is dialled any more, the peer is closed.
   */
  state: "connected" | "promoted" | "disconnected" | "stopped";
  url: string;
  /** Whether it is, or was, the home session or the standby; not when stopped. */
  plane?: Plane;
  /** Session id, 32 hex digits, the same in the node's log; when connected or promoted. */
  session?: string;
  /** Name of the reason, such as `ping-timeout`, and its text; when disconnected or stopped. */
  reason?: string;
  text?: string;
  /** Milliseconds until the next try; when disconnected. */
  retryIn?: number;
}

/** How much a node takes of this peer from now on. Links keep to it by themselves. */
export interface RateChange {
  url: string;
  plane: Plane;
  /** Data frames, and bytes of them, a second in the long run; `Infinity`: unbounded. */
  framesPerSecond: number;
  bytesPerSecond: number;
  /** Whether the node dropped something because this peer sent more. */
  throttled: boolean;
}

/** What a program is shown of a `rate` frame. */
export function rateChange(url: string, plane: Plane, rate: Rate): RateChange {
  return {
    url,
    plane,
    framesPerSecond: rate.framesPerSecond || Infinity,
    bytesPerSecond: rate.bytesPerSecond || Infinity,
    throttled: rate.pause > 0,
  };
}

/** A session with a node. */
export interface NodeSession {
  url: string;
  plane: Plane;
  id: PeerId;
  /** 32 hex digits, the same in the node's log. */
  session: string;
  /** Smoothed round trip, milliseconds. */
  rtt: number | undefined;
  pingsSent: number;
  pongsMatched: number;
}

/** What a program is shown of a session. */
export function nodeSession(
  { session, url, plane }: { session: Session; url: string; plane: Plane },
): NodeSession {
  const { remote: id, rtt, pingsSent, pongsMatched } = session;
  return { url, plane, id, session: session.id, rtt, pingsSent, pongsMatched };
}

export interface PeerEvents {
  /** Another peer began a link, and no dial of this program is under way that gets it; close it when done. */
  link: { link: Link };
  /** Another peer wants to begin a link: decide, or leave it to the `accept` option. */
  request: { request: LinkRequest };
  node: NodeChange;
  rate: RateChange;
}

export interface DialOptions {
  /** Gives up. */
  signal?: AbortSignal;
  /** Milliseconds to wait for a peer that is away. Default 0: reject with `absent` at once. */
  deadline?: number;
}
