/** Every limit and deadline of the protocol, each with its unit and its reason. */

/** Largest payload of one data frame, bytes: a 64 KiB message plus link overhead, with room. */
export const MAX_PAYLOAD = 131_072;
/** Largest WebSocket message, bytes: bounds what one read can allocate. */
export const MAX_MESSAGE = 1_048_576;
/** Most frames in one WebSocket message: bounds the work one read can cause. */
export const MAX_BATCH = 256;
/** Largest control frame, bytes: a welcome that names many nodes stays far below. */
export const MAX_CONTROL = 16_384;
/** Milliseconds for which a process may contend that it is newer than another one of its key, which says a later start. */
export const YOUNG = 60_000;
/** Most peers that the URL of a session may ask about. */
export const MAX_SOUGHT = 4;
/** Most bytes of frames that may follow an auth in its WebSocket message before it is verified. */
export const MAX_EARLY = 65_536;
/** Deepest nesting of a control frame's CBOR: frame, list of members, member, its URLs. */
export const MAX_DEPTH = 4;
/** Most items in the CBOR of one control frame: 256 changes of presence make 1544, 64 members with 16 URLs 1411. */
export const MAX_ITEMS = 2048;
/** Longest network name, agent, host, feature, reason text or URL, in UTF-8 bytes. */
export const MAX_TEXT = 256;
/** Longest token, bytes: a JWT with room for quotas. */
export const MAX_TOKEN = 4096;
/** Longest URL list in bye or welcome, and longest node list of a record. */
export const MAX_NODES = 16;
/** Most features, and most STUN servers, one side may name. */
export const MAX_FEATURES = 16;
/** Most TURN servers, and most URLs of each, one welcome may name. */
export const MAX_TURN = 4;
/** Most members in one frame. */
export const MAX_MEMBERS = 64;
/** Most entries in one presence frame. */
export const MAX_CHANGES = 256;
/** Most origins in a digest, and so most nodes of one mesh: 256 points of 54 bytes fit into one frame. */
export const MAX_ORIGINS = 256;
/** Most neighbours one node may claim. */
export const MAX_NEIGHBOURS = 256;
/** Largest body of a record that nodes spread, bytes: with 16 nodes and a long network name it has 926. */
export const MAX_RECORD = 2048;
/** Most topics of one peer: with the largest announcements and record they still fit into one frame. */
export const MAX_TOPICS = 16;
/** Largest announcement, bytes: with a long network name it has 486. */
export const MAX_ANNOUNCEMENT = 512;
/** Most members in one roster; a larger topic is shown by a random sample. */
export const MAX_ROSTER = 64;
/** Most peers in one watch or unwatch frame. */
export const MAX_WATCHED = 256;
/** Largest reason code: a WebSocket close code is 4000 + reason, at most 4999 (RFC 6455 §7.4.2). */
export const MAX_REASON = 999;
/** Longest reason in a WebSocket close frame, UTF-8 bytes (RFC 6455 §5.5: 125 less the code). */
export const MAX_CLOSE_TEXT = 123;

/** Largest frame about an attempt, bytes: an invite has 93 at the most. */
export const MAX_ATTEMPT_FRAME = 128;
/** Longest time a frame about an attempt may name, milliseconds: a hostile node cannot make a peer try for hours. */
export const MAX_ATTEMPT_TIME = 60_000;

/** Milliseconds for each step of the session handshake; a TLS round trip to the far side of the earth takes under one second. */
export const HANDSHAKE_STEP = 5_000;
/** Milliseconds between pings. With three misses a dead session is known after 45–60 s; links notice within a second by themselves. */
export const PING_INTERVAL = 15_000;
/** Bounds of the interval a welcome may ask for: a hostile node cannot make a peer ping without pause or never. */
export const MIN_PING_INTERVAL = 100;
export const MAX_PING_INTERVAL = 3_600_000;
/** Unanswered pings in a row after which a session is dead. */
export const PING_MISSES = 3;

/** Milliseconds a record may live (protocol rule 3). */
export const RECORD_LIFETIME = 300_000;
/** Milliseconds between refreshes: two may be lost before a record expires. */
export const RECORD_REFRESH = 100_000;
/**
 * Milliseconds by which the times in a record may differ from a reader's clock: two nodes that are a day off
 * each, either way, and a day more. How long it still holds is told beside it; this alone bounds for how
 * long a stolen one can serve.
 */
export const CLOCK_SKEW = 259_200_000;
/** Milliseconds by which they may when nobody told how long it holds. */
export const UNTOLD_SKEW = 60_000;

/** Bytes a node queues for one session before it drops the newest frame with a notice. */
export const MAX_QUEUE = 4_194_304;
/** Correspondents a node remembers per session, to tell them when it ends. */
export const MAX_CORRESPONDENTS = 1024;
/** Sessions of one node: descriptors of a process are the bound in practice. */
export const MAX_SESSIONS = 15_000;
/** Handshakes under way at once on one node: each may hold one socket for three deadlines. */
export const MAX_HANDSHAKES = 1_000;
