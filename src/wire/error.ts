/** The one class of expected failures. A caller's mistake is a `TypeError` or `RangeError` instead. */

/** Why something failed, for programs; the message says the same to people. */
export type WaymeetErrorCode =
  /** No node knows where the peer is. */
  | "absent"
  /** The peer's accept policy, or its application, said no to the link. */
  | "rejected"
  /** The node said no to the session for a reason without a code of its own here. */
  | "refused"
  /** A deadline passed; the outcome on the other side is unknown. */
  | "timeout"
  /** The link, session or program was closed, by this or the other side. */
  | "closed"
  /** The caller's `AbortSignal` fired. */
  | "aborted"
  /** The other side's process ended and a new one answers: unread messages died with it. */
  | "peer-restarted"
  /** The message or payload exceeds a limit; sending it again will not help. */
  | "too-large"
  /** The node is full; another one may have room. */
  | "over-capacity"
  /** Quota or rate used up; later it may work. */
  | "over-quota"
  /** The node's access policy does not admit this key or token. */
  | "unauthorized"
  /** A newer process with the same key took this one's place; it stays away. */
  | "replaced"
  /** No connection to the node came about: name, network, TLS, or nobody listens. */
  | "node-unreachable"
  /** The other side broke the protocol. */
  | "protocol-error"
  /** The node has banned this key. */
  | "banned"
  /** The node belongs to another network. */
  | "wrong-network"
  /** A send queue is full: wait for what was sent to be delivered. */
  | "queue-full"
  /** A key file or store cannot be read, or holds no ed25519 key. */
  | "key-unreadable"
  /** Another program listens on the port. */
  | "port-in-use";

/** What an error may tell besides its code and message. */
export interface WaymeetErrorOptions extends ErrorOptions {
  /** PeerId (text form) of the peer it is about. */
  peer?: string;
}

/**
 * An expected failure: it names its `code`, the peer it is about and its cause.
 *
 * @example
 * ```ts
 * import { WaymeetError } from "./error.ts";
 * const error = new WaymeetError("absent", "no node knows this peer; is it running?");
 * error.code; // "absent"
 * ```
 */
export class WaymeetError extends Error {
  readonly code: WaymeetErrorCode;
  /** PeerId (text form) of the peer it is about. */
  readonly peer?: string;

  constructor(code: WaymeetErrorCode, message: string, options?: WaymeetErrorOptions) {
    super(message, options);
    this.name = "WaymeetError";
    this.code = code;
    this.peer = options?.peer;
  }
}
