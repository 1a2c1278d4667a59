/**
 * The ports of paths: what a transport is, and where transports come from.
 *
 * @module
 */
import type { PathHost } from "../link/transport.ts";

export {
  type CandidateOutcome,
  LEAST_PACKET,
  PATH_HIGH_WATER,
  PATH_LOW_WATER,
  type PathCandidate,
  type PathEvents,
  type PathHost,
  type PathKind,
  type PathTransport,
} from "../link/transport.ts";

/** How a try to find a direct path ended. */
export interface AttemptEnd {
  /** `connected` means that both sides saw a challenge make the round trip. */
  outcome: string;
  /** For people: `attempt 7 ended no-candidate-pair after 5 s`. */
  why: string;
  /** Milliseconds that the next try should wait at least; default: what the choice between paths thinks. */
  retryAfter?: number;
}

/** Finds direct paths: the punch broker's client, or a simulator. */
export interface PathSource {
  /** A link begins: words told now travel in its greeting. */
  begun?(host: PathHost): void;
  /**
   * Begins one try for this link; offers what it finds with {@link PathHost.offer}. MUST
   * call `ended` exactly once, by a deadline of its own, unless the returned function
   * was called before, which gives the try up without a word. At most one at a time is
   * asked for each link; the other side's tries offer paths all the same.
   */
  attempt(host: PathHost, ended: (end: AttemptEnd) => void): () => void;
}
