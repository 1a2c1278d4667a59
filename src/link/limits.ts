/** Limits and deadlines of a link, each with its unit and its reason. */

/** Bytes of content in one chunk: with its packet below 16.5 KiB, what every WebRTC stack carries unfragmented. */
export const MAX_CHUNK = 16_384;
/** Plaintext bytes of one packet on a relay path: four chunks share one seal and one frame. */
export const MAX_PACKET = 66_560;
/** Plaintext bytes that ride in the first packet of a handshake: it is resent whole, so it stays small. */
export const MAX_FIRST = 17_408;
/** Largest message, bytes; more than that belongs into a stream. */
export const MAX_SIZE = 16_777_216;
/** Largest words about an attempt, bytes: a description of a data channel has about 1 KiB. */
export const MAX_SIGNAL = 8_192;
/** Longest label of a stream and longest close text, UTF-8 bytes. */
export const MAX_LABEL = 256;
/** Streams open at once that one side may have begun. */
export const MAX_STREAMS = 256;
/** Numbered frames that may wait for a gap before them to fill: as many tiny messages as a window of credit holds. */
export const MAX_AHEAD = 16_384;
/** Bytes that may wait so: a whole congestion window and what was sent again behind it. */
export const MAX_AHEAD_BYTES = 4_194_304;
/** Answers to probes in one packet: more probes than these at once are no honest questions. */
export const MAX_ANSWERS = 16;
/** Frames that may wait because a stranger made us say something (refused streams): more is no honest use. */
export const MAX_REFUSALS = 1_024;
/** Ranges in one acknowledgement: more gaps than these are told in a later one. */
export const MAX_RANGES = 32;

/** Bytes of the token of a challenge: nobody answers one that did not arrive (RFC 9000 §19.17). */
export const TOKEN_SIZE = 8;
/** Challenges of one path whose answers are waited for: four a second for eight seconds. */
export const MAX_CHALLENGES = 32;
/** Credit charged for a message beside its size, bytes: what it costs the receiver to hold an empty one. */
export const MESSAGE_COST = 64;
/** Bytes of messages that may be under way or unread: half a node's queue, so one sender never fills it. */
export const MESSAGE_WINDOW = 2_097_152;
/** Bytes a new stream may send before its reader has read anything. */
export const STREAM_START = 262_144;
/** Bytes of a stream that may be under way or unread once its reader reads. */
export const STREAM_WINDOW = 1_048_576;

/** Congestion window at the start, bytes: the path is TCP with its own slow start, this only bounds queues in nodes. */
export const WINDOW_START = 262_144;
/** Smallest congestion window, bytes: two packets, so that progress never depends on a timer alone. */
export const WINDOW_MIN = 32_768;
/** Largest congestion window, bytes: half a node's queue for one session. */
export const WINDOW_MAX = 2_097_152;
/** Packets sent later that must be acknowledged before an earlier one counts as lost (RFC 9002 §6.1.1). */
export const REORDER = 3;
/** Milliseconds without acknowledgement before unacknowledged data is sent again, at the least (protocol rule 13). */
export const PROBE_MIN = 300;
/** Milliseconds between such tries, at the most. */
export const PROBE_MAX = 4_000;
/** Round trip assumed before one was measured, milliseconds (RFC 9002 §6.2.2). */
export const RTT_START = 333;
/** Waits in vain after which a link stops calling itself connected, and takes all that is under way for lost. */
export const PROBES_IN_VAIN = 2;
/** Bytes sent again at the end of the first such wait: one chunk finds out whether the path is alive. */
export const PROBE_BYTES = 16_384;
/** Milliseconds an acknowledgement may wait for company. */
export const ACK_DELAY = 5;
/** Bytes received after which an acknowledgement waits no longer. */
export const ACK_BYTES = 32_768;

/** Milliseconds of silence after which an idle link asks whether the other side lives. */
export const IDLE_PROBE = 10_000;
/** Milliseconds an answer to that may take before the link stops calling itself connected. */
export const IDLE_PATIENCE = 3_000;
/** Milliseconds between tries of a handshake that got no answer. */
export const HANDSHAKE_RETRY = 1_000;
/** Tries of one first packet; then it is made anew, since a responder accepts it only for a while (`INIT_WINDOW`). */
export const HANDSHAKE_TRIES = 4;
/** Milliseconds for which a handshake under way is left alone whatever hints arrive: forged ones must not keep it from ending. */
export const HANDSHAKE_PATIENCE = 2_500;
/** Milliseconds without any sign of the other process after which a link gives up. */
export const LINK_TIMEOUT = 300_000;
/** Milliseconds `close()` waits for what was sent to be acknowledged. */
export const CLOSE_PATIENCE = 5_000;
