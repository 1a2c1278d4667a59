/**
 * What carries a link's sealed packets beside the relay, and what becomes of it. The
 * link owns these words because it uses them; `src/path` implements them.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Key } from "../wire/protocol.ts";

/** `local`: the same process, or the same browser; `direct`: hole-punched; `relay`: through nodes. */
export type PathKind = "relay" | "direct" | "local";

/**
 * A way to carry a link's sealed packets beside the relay. It may lose, repeat, delay
 * and reorder them, and it may die without a word: whoever uses it probes it.
 */
export interface PathTransport {
  readonly kind: "direct" | "local";
  /** How it came about, in words: `punched in 240 ms`. */
  readonly why: string;
  /** Bytes of the largest packet it takes. MUST be at least {@link LEAST_PACKET}. */
  readonly maxPacket: number;
  /** Whether `send` has copied the packet when it returns: its bytes may be used again. */
  readonly copies?: boolean;
  /** Bytes handed to it that it has not sent yet. */
  readonly buffered: number;
  /**
   * Takes one packet. MUST NOT throw and MUST NOT change the bytes, which stay as they
   * are. After {@link PathTransport.close} it does nothing.
   */
  send(packet: Uint8Array): void;
  /** Lets everything go. MUST bear to be called twice, and MUST NOT call {@link PathEvents.closed}. */
  close(): void;
}

/** What a transport tells. It MUST NOT do so while `open` of {@link PathHost.offer}, or its own `send`, still runs. */
export interface PathEvents {
  /** One packet, whole, in a buffer that nobody else writes to. */
  packet(bytes: Uint8Array): void;
  /** It carries nothing any more. At most once; nothing follows. */
  closed(reason: string): void;
  /** {@link PathTransport.buffered} fell to {@link PATH_LOW_WATER}; MUST be told after it was above {@link PATH_HIGH_WATER}. */
  drained(): void;
}

/** Bytes every path takes in one packet: a greeting with all it may hold, or a whole chunk with all that goes beside it. */
export const LEAST_PACKET = 18_432;
/** Bytes buffered in a transport above which nothing more is given to it (shared by WebRTC stacks: 1 MiB). */
export const PATH_HIGH_WATER = 1_048_576;
/** Bytes buffered at which a full transport says `drained`. */
export const PATH_LOW_WATER = 262_144;

/** What became of a candidate; told exactly once. */
export type CandidateOutcome =
  /** A challenge made the round trip over it, `rtt` milliseconds; the link may use it from now on. */
  | { kind: "validated"; rtt: number }
  /** It closed, or no challenge was answered in time, or the link ended. It is closed. */
  | { kind: "failed"; reason: string }
  /** A newer candidate of its kind took its place. It is closed. */
  | { kind: "replaced" };

/** A path on offer. */
export interface PathCandidate {
  /** Takes it back, in use or not: it is closed, and packets go another way. */
  withdraw(reason: string): void;
}

/** A link, as those see it who find paths for it. */
export interface PathHost {
  readonly peer: PeerId;
  readonly key: Key;
  /**
   * Tells the other process words about an attempt (16 bytes name it), sealed, in order
   * and surely: link frame `signal`, by whatever path there is. At most `MAX_SIGNAL` bytes.
   */
  signal(attempt: Uint8Array, words: Uint8Array): void;
  /**
   * Opens a candidate at once and challenges it. `settled` is told its fate once. A
   * path that was validated and lost is only closed: {@link PathTransport.close}.
   */
  offer(
    open: (events: PathEvents) => PathTransport,
    settled?: (outcome: CandidateOutcome) => void,
  ): PathCandidate;
}
