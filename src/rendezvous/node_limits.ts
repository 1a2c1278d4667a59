/** What one node grants: sessions, sizes, queues and rates. May be changed while the node runs. */
import {
  MAX_ATTEMPT_TIME,
  MAX_BATCH,
  MAX_CORRESPONDENTS,
  MAX_HANDSHAKES,
  MAX_MESSAGE,
  MAX_PAYLOAD,
  MAX_QUEUE,
  MAX_SESSIONS,
  MAX_TOPICS,
} from "../wire/limits.ts";

export interface NodeLimits {
  /**
   * Peers with a session. The next one completes its handshake and is told `over-capacity`. Of one peer
   * there is one session at a node, always: the newer replaces the older.
   */
  sessions: number;
  /** Sessions from one IPv4 address or IPv6 /64, save loopback; the next one is told `over-quota`. `Infinity`: unbounded. */
  sessionsPerAddress: number;
  /** Handshakes under way; beyond, who said nothing for half a second gives way, or the upgrade is answered 503. */
  handshakes: number;
  /** Handshakes under way from one IPv4 address or IPv6 /64, save loopback; beyond, 429. `Infinity`: unbounded. */
  handshakesPerAddress: number;
  /** Handshakes begun from one IPv4 address or IPv6 /64 in the long run, and at once; beyond, 503. */
  handshakesPerSecond: number;
  handshakeBurst: number;
  /** Bytes of memory the process may hold; above, newcomers are refused and strangers shed. `Infinity`: unbounded. */
  memory: number;
  /** Largest WebSocket message whose data is relayed, bytes; at most `MAX_MESSAGE`. */
  message: number;
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
  /** Data frames from one peer in the long run, and at once; `Infinity`: unbounded. Beyond, it is told by `rate`. */
  framesPerSecond: number;
  frameBurst: number;
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
/** A peer that sends one packet of a link at a time needs this much: 16 KiB and what goes beside it. */
const LEAST_MESSAGE = 32_768;
/** Smallest frame burst, for the same reason. */
const MIN_FRAME_BURST = MAX_BATCH;

/** The limits of a node that was given none. */
export const DEFAULT_LIMITS: Readonly<NodeLimits> = {
  sessions: MAX_SESSIONS,
  // Whoever fills a node needs fifteen addresses. Carriers put some hundreds of customers behind one (RFC 6888,
  // RFC 7422), of whom few are here at once; a company with more asks its operator. Proxies are to be named
  // (`proxies`), and loopback is not counted.
  sessionsPerAddress: 1_000,
  handshakes: MAX_HANDSHAKES,
  // Nobody takes all places from one address. A handshake over a slow line is under way for about a second, of which
  // an address may begin 200 in the long run.
  handshakesPerAddress: 250,
  // A handshake takes about 1 ms of a core: one address costs a fifth of it in the long run. All peers
  // behind one NAT come back at once when a node restarts.
  handshakesPerSecond: 200,
  handshakeBurst: 5_000,
  memory: Infinity,
  message: MAX_MESSAGE,
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
  framesPerSecond: Infinity,
  frameBurst: 1_024,
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

/** Limits that say how much in a second or a minute may be a fraction; the others count whole things. */
const RATES = /Per(Second|Minute)$/;

/** The largest that the protocol allows. */
const MOST: Partial<NodeLimits> = {
  payload: MAX_PAYLOAD,
  message: MAX_MESSAGE,
  topics: MAX_TOPICS,
  attemptAnswer: MAX_ATTEMPT_TIME,
  attemptConnect: MAX_ATTEMPT_TIME,
};

/** The least with which anything works. */
const LEAST: Partial<NodeLimits> = {
  byteBurst: MIN_BYTE_BURST,
  frameBurst: MIN_FRAME_BURST,
  message: LEAST_MESSAGE,
};

/**
 * The defaults with these changes.
 *
 * @throws {RangeError} naming the limit that is out of bounds, and its bounds.
 */
export function nodeLimits(changes: Partial<NodeLimits> = {}): NodeLimits {
  const limits = { ...DEFAULT_LIMITS, ...withoutUndefined(changes) };
  for (const [name, value] of Object.entries(limits)) check(name as keyof NodeLimits, value);
  return limits;
}

function check(name: keyof NodeLimits, value: unknown): void {
  if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
    throw new RangeError(`there is no limits.${name}; there are: ${NAMES}`);
  }
  const [least, most] = [LEAST[name] ?? (RATES.test(name) ? Number.MIN_VALUE : 1), MOST[name] ?? Infinity];
  if (typeof value === "number" && value >= least && value <= most) return;
  const from = least === Number.MIN_VALUE ? "above 0" : `from ${least}`;
  const to = most === Infinity ? ' (or "none" for no bound)' : ` to ${most}`;
  throw new RangeError(
    `limits.${name} is a number ${from}${to}, not ${JSON.stringify(value) ?? String(value)}`,
  );
}

const NAMES: string = Object.keys(DEFAULT_LIMITS).join(", ");

/**
 * Limits as a file, a flag or an operator writes them: an object of numbers, where `"none"` is no bound.
 *
 * @throws {RangeError} saying what is wrong and what may stand there.
 *
 * @example
 * ```ts
 * readLimits({ bytesPerSecond: "none", sessions: 100 }); // { bytesPerSecond: Infinity, sessions: 100 }
 * ```
 */
export function readLimits(value: unknown): Partial<NodeLimits> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RangeError('limits are an object of names and numbers, such as {"sessions": 1000}');
  }
  const read = Object.entries(value).map(([name, each]) => [name, each === "none" ? Infinity : each]);
  const limits = Object.fromEntries(read) as Partial<NodeLimits>;
  nodeLimits(limits);
  return limits;
}

/** Limits as {@link readLimits} reads them: JSON has no `Infinity`. */
export function writeLimits(limits: Readonly<NodeLimits>): Record<string, number | "none"> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, value === Infinity ? "none" : value]),
  );
}

function withoutUndefined(changes: Partial<NodeLimits>): Partial<NodeLimits> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
