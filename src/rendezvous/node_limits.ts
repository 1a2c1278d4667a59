/** What one node grants: sessions, sizes, queues and rates. May be changed while the node runs. */
import {
  MAX_ATTEMPT_TIME,
  MAX_CORRESPONDENTS,
  MAX_HANDSHAKES,
  MAX_MESSAGE,
  MAX_PAYLOAD,
  MAX_QUEUE,
  MAX_SESSIONS,
  MAX_TOPICS,
} from "../wire/limits.ts";

export interface NodeLimits {
  /** Peers with a session. The next one completes its handshake and is told `over-capacity`. */
  sessions: number;
  /** Handshakes under way; beyond, the upgrade is answered 503. */
  handshakes: number;
  /** Largest payload of a relayed frame, bytes; at most `MAX_PAYLOAD`. */
  payload: number;
  /** Bytes that wait for one peer before the newest frames are dropped with a notice. */
  queue: number;
  /** Correspondents remembered per peer. */
  correspondents: number;
  /** Lookups of one peer in the long run, and at once. A publish counts as {@link PUBLISH_COST} lookups. */
  lookupsPerSecond: number;
  lookupBurst: number;
  /** Peers that one peer may watch, and pairs of watcher and watched at the node. */
  watches: number;
  watchesInAll: number;
  /** Topics that one peer may be in; at most `MAX_TOPICS`. */
  topics: number;
  /** Announcements of one peer in the long run, and at once: each is renewed every 100 s and after a change of nodes. */
  announcementsPerSecond: number;
  announcementBurst: number;
  /** Relayed bytes from one peer in the long run, and at once; `Infinity`: unbounded. */
  bytesPerSecond: number;
  byteBurst: number;
  /** Milliseconds that a peer has to answer an invite to an attempt, at most `MAX_ATTEMPT_TIME`. */
  attemptAnswer: number;
  /** Milliseconds from the start of an attempt within which both sides must be connected, as above. */
  attemptConnect: number;
  /** Attempts that one peer may ask for in the long run, and at once. */
  attemptsPerMinute: number;
  attemptBurst: number;
  /** The same of one pair of peers. */
  pairAttemptsPerMinute: number;
  pairAttemptBurst: number;
  /** Attempts that this node brokers at a time. */
  attempts: number;
}

/** Verifying a record takes a node about five times as long as answering a lookup. */
export const PUBLISH_COST = 5;

/** Smallest byte burst: with less, one message of the largest size could never pass. */
const MIN_BYTE_BURST = MAX_MESSAGE;

/** The limits of a node that was given none. */
export const DEFAULT_LIMITS: Readonly<NodeLimits> = {
  sessions: MAX_SESSIONS,
  handshakes: MAX_HANDSHAKES,
  payload: MAX_PAYLOAD,
  queue: MAX_QUEUE,
  correspondents: MAX_CORRESPONDENTS,
  // A peer that dials fifty others a second is at work; more is a crawl.
  lookupsPerSecond: 50,
  lookupBurst: 200,
  // Some 100 bytes a pair.
  watches: 1_000,
  watchesInAll: 500_000,
  topics: MAX_TOPICS,
  announcementsPerSecond: 1,
  announcementBurst: 64,
  bytesPerSecond: Infinity,
  byteBurst: 4 * MAX_MESSAGE,
  // A peer at the other end of the earth has answered after half a second.
  attemptAnswer: 3_000,
  // Measured, a cone NAT is open within 0.4 s at 40 ms of round trip; what takes 5 s will not come.
  attemptConnect: 5_000,
  attemptsPerMinute: 60,
  attemptBurst: 60,
  pairAttemptsPerMinute: 6,
  pairAttemptBurst: 6,
  // An attempt holds about 1 KiB for at most 9 s.
  attempts: 10_000,
};

/**
 * The defaults with these changes.
 *
 * @throws {RangeError} naming the limit that is out of bounds.
 */
export function nodeLimits(changes: Partial<NodeLimits> = {}): NodeLimits {
  const limits = { ...DEFAULT_LIMITS, ...withoutUndefined(changes) };
  for (const [name, value] of Object.entries(limits)) requirePositive(name, value);
  if (limits.payload > MAX_PAYLOAD) throw new RangeError(`limits.payload is at most ${MAX_PAYLOAD} bytes`);
  for (const name of ["attemptAnswer", "attemptConnect"] as const) {
    if (limits[name] > MAX_ATTEMPT_TIME) {
      throw new RangeError(`limits.${name} is at most ${MAX_ATTEMPT_TIME} ms`);
    }
  }
  if (limits.topics > MAX_TOPICS) throw new RangeError(`limits.topics is at most ${MAX_TOPICS}`);
  if (limits.byteBurst < MIN_BYTE_BURST) {
    throw new RangeError(`limits.byteBurst is at least ${MIN_BYTE_BURST} bytes: one largest message`);
  }
  return limits;
}

function requirePositive(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 1) return;
  throw new RangeError(`limits.${name} must be a number from 1, not ${String(value)}`);
}

function withoutUndefined(changes: Partial<NodeLimits>): Partial<NodeLimits> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
