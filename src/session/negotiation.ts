import type { PeerId } from "../identity/peer_id.ts";
import type { DecodeControl } from "../wire/frames.ts";
import type { AuthBody, Hello, WelcomeBody } from "../wire/protocol.ts";
import type { Clock } from "./clock.ts";
import type { AcceptorState, DialerState } from "./handshake_state.ts";
import type { Event, Step, Task, Terms } from "./lifecycle.ts";
import type { LivenessStyle } from "./liveness.ts";
import type { SessionHandlers, SessionState } from "./session.ts";
import type { Ticker } from "./ticker.ts";
import type { Turn } from "./turn.ts";

/** Every state of a session, whoever dialled. */
export type State = DialerState | AcceptorState;

/** What a session needs of its surroundings as long as it lives. */
export interface Surroundings {
  clock: Clock;
  random: (length: number) => Uint8Array;
  handlers: SessionHandlers;
  /** Shared by all sessions of a node, which {@link Session.gather} then. */
  turn?: Turn;
  /** Told of what the owner's code threw. Default: `console.error`. */
  onError?: (error: unknown) => void;
}

/** What a driver contributes; all but `decode` is dropped once the session is ready. */
export interface Negotiation {
  /** Reads the control frames of a ready session. */
  decode: DecodeControl;
  step(state: State, event: Event): Step<State>;
  /** Does a task and answers with its event. A rejection ends the session with `internalError`. */
  perform(task: Task): Promise<Event>;
  /** What the session keeps of the terms. */
  settle(terms: Terms): Settlement;
  /** Whether a handshake that fails ends with a close code; otherwise the connection is cut. Default: it does. */
  tells?(): boolean;
}

/** How a ready session goes on. */
export interface Settlement {
  remoteKey: Uint8Array;
  remote: PeerId;
  hello?: Hello;
  welcome?: WelcomeBody;
  auth?: AuthBody;
  challenge?: Uint8Array;
  /** Session id of the welcome. */
  session: Uint8Array;
  style: LivenessStyle;
  ticker: Ticker;
  /** Whether to ping at once, so that the round trip is known early. */
  eager: boolean;
}

/** The state as a session's owner sees it. */
export function publicState(state: State): SessionState {
  return PUBLIC[state.name];
}

const PUBLIC: Record<State["name"], SessionState> = {
  opening: "connecting",
  hello: "connecting",
  preparing: "authenticating",
  auth: "authenticating",
  queued: "authenticating",
  authorizing: "authenticating",
  signing: "authenticating",
  welcome: "authenticating",
  verifying: "authenticating",
  ready: "ready",
  draining: "draining",
  closed: "closed",
};
