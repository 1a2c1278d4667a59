import type { ByteStream } from "./byte_stream.ts";
import type { Challenge } from "./frames.ts";
import type { Greeting } from "./greeting.ts";
import type { Keyring } from "./keyring.ts";
import type { Incoming } from "./mailbox.ts";
import type { Outgoing } from "./outgoing.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  /** A {@link Reason} of a link. */
  reason: number;
  text: string;
  by: "local" | "remote" | "timeout";
}

export interface ConnectionEvents {
  message(message: Incoming): void;
  stream(stream: ByteStream): void;
  departed(message: Outgoing): void;
  delivered(message: Outgoing): void;
  processed(id: Uint8Array): void;
  /** Words of the other side about an attempt to punch a direct path. */
  signal(attempt: Uint8Array, words: Uint8Array): void;
  probeAnswered(nonce: number): void;
  aboutPath(frame: Challenge): void;
  /** The other process proved that it is there; from now on the connection may call itself connected. */
  established(): void;
  /** A new process answers for the peer: what was undelivered goes to it, streams are broken. */
  restarted(): void;
  /** Whether the other side answers changed. */
  presence(): void;
  /** The record may be stale: look the peer up, then call {@link Connection.hail}. */
  lookUp(): void;
  /** The peer began another conversation and proved it: this connection is over, that one follows. */
  superseded(successor: Candidate): void;
  /** Once, last. Undelivered messages are in `conversation.outbox.undelivered`. */
  ended(end: ConnectionEnd): void;
}

/** A conversation the other side began while one was open; it waits for its first packet. */
export interface Candidate {
  greeting: Greeting;
  keyring: Keyring;
}

/**
 *     hailing ──response, or the other side's own hail──▶ open ──▶ closing ──▶ closed
 *        ▲                                                 │          │
 *        └──────────── the other process restarted ────────┴──────────┘
 */
export type Standing = "hailing" | "open" | "closing" | "closed";
