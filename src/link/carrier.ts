import type { Clock } from "../session/clock.ts";
import type { Key } from "../wire/protocol.ts";
import type { Local } from "./greeting.ts";
import type { Plane } from "./planes.ts";
import type { Route } from "./route.ts";
import type { Steering } from "./steering.ts";
import type { Carried } from "./track.ts";
import type { PathHost } from "./transport.ts";

/** What the paths of a link need of the peer: its nodes, and who reads what comes by another path. */
export interface Carrier {
  clock: Clock;
  local: Local;
  /** Hands a packet to the node of that plane, or to the only one. */
  send(to: Key, packet: Uint8Array, plane: Plane): void;
  /** Milliseconds until that plane's node takes the next packet; 0: now. Without, it always does. */
  pause?(plane: Plane): number;
  /** How many planes there are now. */
  planes(): number;
  /** An answer that should have come by the relay did not: whether its nodes are still there is the question. */
  overdue?(): void;
  /** How packets travel by the relay now, in words. */
  why(plane: Plane): string;
  /** A packet came by a path of a link with that peer, whose answers go back by it. */
  arrived(from: Key, packet: Uint8Array, route: Route, reply: (answer: Uint8Array) => void): void;
  /** The other side's words about an attempt to punch a direct path. */
  signalled?(host: PathHost, attempt: Uint8Array, words: Uint8Array): void;
  /** Who decides by which path a link sends; without, it is always the relay. */
  steer?(host: SteeredHost): Steering | undefined;
}

/** A link, as who steers it sees it. */
export interface SteeredHost extends PathHost {
  readonly clock: Clock;
  /** Of the two ends, this one goes first where both would do the same: the one that was greeted. */
  readonly first: boolean;
  readonly relay: Route;
  readonly using: Route;
  /** Whether something waits for an acknowledgement. */
  readonly busy: boolean;
  /** Whether the node session is there. */
  readonly relayed: boolean;
  /** What a path carried so far. */
  carried(route: Route): Carried;
  /** Challenges a path; `steering.answered` tells the answer. */
  challenge(route: Route): void;
  /** From now on packets leave by that path. `abrupt`: the one used so far carries nothing any more. */
  use(route: Route, abrupt: boolean): void;
  /** Closes a path. */
  drop(route: Route, reason: string): void;
  /** The kind or the reason changed: listeners want to know. */
  told(): void;
}
