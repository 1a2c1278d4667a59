import type { Route } from "./route.ts";

/** Decides by which of its paths a link sends; `src/path` implements it. */
export interface Steering {
  /** Why packets travel as they do now, in words; `undefined`: there is nothing to say but how the relay does it. */
  readonly why: string | undefined;
  /** Keys are agreed with the other process, for the first time. */
  opened(): void;
  /** A path is on offer. */
  offered(route: Route): void;
  /** A challenge made the round trip over a path. */
  answered(route: Route, rtt: number): void;
  /** A path is gone: closed by itself, or by whoever offered it. */
  gone(route: Route, reason: string): void;
  /** The node session came or went. */
  relay(up: boolean): void;
  /** Something is under way, or came; called at every turn in which that is so. */
  busy(): void;
  /** An acknowledgement did not come in time. */
  stalled(): void;
  /** The link is over, or the other process is another: all paths but the relay are closed. */
  reset(over: boolean): void;
}
