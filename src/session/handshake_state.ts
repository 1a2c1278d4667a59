/** Where a handshake stands, and what each half brings to it. */
import type { PeerId } from "../identity/peer_id.ts";
import type { Auth, AuthBody, Hello, WelcomeBody } from "../wire/protocol.ts";
import type { HelloWriter } from "../wire/session_frames.ts";
import type { Held } from "./early.ts";
import type { Closed, Draining, Ready } from "./lifecycle.ts";

export type DialerState =
  | { name: "opening" }
  | { name: "hello" }
  | { name: "preparing"; hello: Hello }
  | { name: "signing"; hello: Hello; bodyBytes: Uint8Array; early: Uint8Array[] }
  | { name: "welcome"; hello: Hello; auth: Uint8Array }
  | { name: "verifying"; hello: Hello; welcome: WelcomeBody; held: Held }
  | Ready
  | Draining
  | Closed;

export type AcceptorState =
  | { name: "opening" }
  | { name: "auth"; hello: Uint8Array }
  /** `message`: the first that came, not read yet. */
  | { name: "queued"; hello: Uint8Array; message: Uint8Array; held: Held }
  | { name: "verifying"; hello: Uint8Array; auth: Auth; held: Held }
  | { name: "authorizing"; hello: Uint8Array; auth: Auth; held: Held }
  | { name: "signing"; auth: Auth; welcome: WelcomeBody; welcomeBytes: Uint8Array; held: Held }
  | Ready
  | Draining
  | Closed;

/** What a dialer says, except what only hello or the token's source can tell. */
export interface DialerSide {
  body: Omit<AuthBody, "token">;
  /** How many peers the URL asks about. */
  sought?: number;
  expectNode?: PeerId;
  /** Milliseconds for each step. */
  deadline: number;
}

/** What a node says, and what it insists on. */
export interface AcceptorSide {
  hello: HelloWriter;
  challenge: Uint8Array;
  network: string;
  /** Frames behind hello: where the peers are that the URL asked about. */
  behind?: readonly Uint8Array[];
  claimed: PeerId;
  hosts: readonly string[] | "any";
  welcome: Omit<WelcomeBody, "nodes" | "stun" | "features">;
  /** Milliseconds for each step. */
  deadline: number;
}
