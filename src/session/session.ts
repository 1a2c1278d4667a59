import type { PeerId } from "../identity/peer_id.ts";
import type { AuthBody, Control, Hello, Reason, WelcomeBody } from "../wire/protocol.ts";

/** Where a session stands. Any other transition than downwards in this list is an error. */
export type SessionState = "connecting" | "authenticating" | "ready" | "draining" | "closed";

/** Why a session ended. */
export interface SessionEnd {
  reason: Reason;
  text: string;
  /** Who ended it: this side, the other side by `bye`, or the network without a word. */
  by: "local" | "remote" | "network";
  /** Nodes the other side told to try instead. */
  nodes: string[];
  /** Whether the session was ever ready. */
  wasReady: boolean;
}

/** What a session tells its owner. Data frames come one call each, so that a relay needs no object per frame. */
export interface SessionHandlers {
  ready(session: Session): void;
  /** Whether data frames of one peer that follow each other come in one call of {@link data}: for a relay. Default false. */
  readonly inRuns?: boolean;
  /** A data frame lies at `start`…`end` of `message`, checked; `message` may be overwritten until {@link endOfMessage}. */
  data(session: Session, message: Uint8Array, start: number, end: number): void;
  /** Like {@link data}, a forward frame (node ↔ node); without this handler it is ignored, as an unknown kind is. */
  forward?(session: Session, message: Uint8Array, start: number, end: number): void;
  /** Every other frame that the session does not handle itself (it handles hello, auth, welcome, ping, pong, bye). */
  control(session: Session, frame: Control): void;
  /** After the last frame of a WebSocket message, also when one of them ended the session: send what was gathered. */
  endOfMessage?(session: Session): void;
  /** What was gathered left as one message of `frames` frames, with the answer of `Socket.send`; it holds during this call. */
  left?(session: Session, message: Uint8Array, frames: number, waiting: number): void;
  /** A ping was answered after so many milliseconds. */
  measured?(session: Session, rtt: number): void;
  /** A session that was ready is no more: nothing can be sent. {@link closed} follows when the socket is closed, too. */
  leaving?(session: Session, end: SessionEnd): void;
  /** The socket's queue is empty again. */
  drain?(session: Session): void;
  /** Exactly once, last. */
  closed(session: Session, end: SessionEnd): void;
}

/** One authenticated WebSocket: peer ↔ node or node ↔ node, the same object on both sides. */
export interface Session {
  readonly state: SessionState;
  /** The other side's key and id, once proven. */
  readonly remoteKey: Uint8Array;
  readonly remote: PeerId;
  /** 16 bytes from the welcome, as 32 hex digits: the same in both sides' logs. */
  readonly id: string;
  /** Dialer side: what the node said. */
  readonly hello?: Hello;
  readonly welcome?: WelcomeBody;
  /** Acceptor side: what the dialer said. */
  readonly auth?: AuthBody;
  /** Acceptor side: the dialer has not said anything yet. */
  readonly silent?: boolean;
  /** Acceptor side, of a dialer with role node: the challenge of the hello, to which its proofs are bound. */
  readonly challenge?: Uint8Array;
  /** Smoothed round trip, milliseconds, from matched pongs (RFC 6298 §2); undefined before the first. */
  readonly rtt: number | undefined;
  readonly pingsSent: number;
  readonly pongsMatched: number;
  /** Whether a batch may be changed once {@link sendBatch} returned. */
  readonly copies: boolean;
  /** Bytes queued in the socket. */
  readonly buffered: number;
  /**
   * Puts a frame into the batch that leaves at the end of this turn of the event loop; the frame
   * MUST NOT change before. Returns the bytes that wait, or -1 when the session is not ready.
   */
  send(frame: Uint8Array): number;
  /** Sends a finished batch at once, after what {@link send} and {@link gather} gathered. Returns like Socket.send. */
  sendBatch(batch: Uint8Array): number;
  /**
   * Whether a batch of so many bytes is to leave by {@link gather}: it is short, and others seem to come in this turn
   * of the event loop. Otherwise by {@link sendBatch}. To be asked once for each batch.
   */
  gathers(size: number): boolean;
  /**
   * Takes a batch of `frames` frames, which leaves with others at the end of this turn of the event loop and MUST
   * NOT change before; {@link SessionHandlers.left} tells what became of it. Only after {@link gathers} said so.
   */
  gather(batch: Uint8Array, frames: number): void;
  /**
   * Asks at once whether the other side is still there, and ends the session if nothing comes for
   * `patience` milliseconds: for a dialer that slept, or whose network changed.
   */
  probe(patience: number): void;
  /** Pings out of turn, which `measured` answers; only a side that pings anyway may. No more than once in two seconds. */
  ask(): void;
  /** Says bye and closes; the state is `draining` until the socket closed, bounded by one second. */
  close(reason: Reason, text?: string, nodes?: string[]): void;
}
