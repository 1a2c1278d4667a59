/**
 * THE PROTOCOL between a peer and a node, and between two nodes: who says what,
 * in which order, in which bytes. `README.md` beside this file tells the same to
 * somebody who writes another implementation, `waymeet.cddl` to a machine.
 *
 *     dialer                                  acceptor (a node)
 *       │ ── WebSocket /v1/connect/{PeerId}, subprotocol waymeet.1 ──▶ │
 *       │ ◀────────────────────────────── hello (challenge) ────────── │
 *       │ ── auth (challenge, signature) [publish, data …] ──────────▶ │
 *       │ ◀────────────── welcome (signature) | bye (reason) ───────── │
 *       │ ◀═══════════ data · control · ping/pong, both ways ════════▶ │
 *       │ ◀─────────────────────── bye (reason) ─────────────────────▶ │
 *
 * A WebSocket message is a CBOR sequence (RFC 8742) of frames. A frame is a
 * deterministic CBOR array (RFC 8949 §4.2) `[kind, …]`. Extension rule: a reader
 * ignores kinds it does not know, elements after those it knows, unknown reason
 * codes (it shows the number) and unknown features.
 *
 * @module
 */
import type { AttemptFromNode, AttemptFromPeer } from "./attempt_protocol.ts";
import type { NodeToNode } from "./mesh_protocol.ts";
import type { HeldBytes, Key, SignedBytes } from "./signed_bytes.ts";

export type { HeldBytes, Key, SignedBytes };

/** WebSocket subprotocol (RFC 6455 §1.9); the digit is the incompatible version. */
export const SUBPROTOCOL = "waymeet.1";

/** Protocol version within {@link SUBPROTOCOL}; both sides speak the lower one. */
export const VERSION = 1;
/** The lowest version that this side still speaks: nodes are renewed one after the other. */
export const OLDEST_VERSION = 1;

/**
 * Frame kinds. Ranges: 0–1 relayed data, 2–15 session, 16–31 mesh, 32–39 punch,
 * 40–47 topics, 48–55 watches, 56–1023 reserved, from 1024 free for experiments.
 */
export const Kind = {
  /** `[0, peer, payload]` peer ↔ node: to node the destination, from node the source. */
  data: 0,
  /** `[1, hops, source, destination, payload]` node ↔ node. */
  forward: 1,
  /** `[2, version, node, network, challenge, time, features]` acceptor → dialer. */
  hello: 2,
  /** `[3, body, signature]` dialer → acceptor, body = {@link AuthBody} as an array. */
  auth: 3,
  /** `[4, body, signature]` acceptor → dialer, body = {@link WelcomeBody} as an array. */
  welcome: 4,
  /** `[5, reason, text, nodes]` last frame of a session, both directions. */
  bye: 5,
  /** `[6, nonce]` both directions. */
  ping: 6,
  /** `[7, nonce]` both directions: the answer to the ping of that nonce. */
  pong: 7,
  /** `[8, reason, peer]` node → peer: what you sent to that peer did not go out, or it left. */
  notice: 8,
  /** `[9, body, signature]` peer → node: its signed record. */
  publish: 9,
  /** `[10, request, peer]` peer → node: where is that peer? */
  lookup: 10,
  /**
   * `[11, request, reason, body, signature, left]` node → peer; reason 0 and a record, or null, null. Of request 0,
   * which no lookup has: the peer's own newest record, of a process that is gone and said a later start.
   */
  found: 11,
  /** `[12, [url, …]]` node → peer: the other nodes have changed since the welcome. */
  nodes: 12,
  /** `[13, framesPerSecond, frameBurst, bytesPerSecond, byteBurst, pause]` node → peer: send no more than that. */
  rate: 13,
  // node ↔ node: src/wire/mesh_protocol.ts
  /** `[16, epoch, urls, mac]` first frame each way between nodes. */
  greet: 16,
  /** `[17, [[node, epoch, incarnation, state, urls], …]]` who is in the mesh. */
  members: 17,
  /** `[18, nonce, target]` does that node live? */
  probe: 18,
  /** `[19, nonce, target]` it does. */
  probeAck: 19,
  /** `[20, origin, epoch, from, to, [[version, peer, body, signature], …]]` who came and left at a node. */
  presence: 20,
  /** `[21, answer, [[origin, epoch, version], …]]` how much of that the sender knows. */
  digest: 21,
  /** `[22, node, epoch, version, [neighbour, …], signature]` a node's sessions with nodes. */
  edges: 22,
  /** `[23, hops, source, destination, reason]` a forwarded frame did not go out. */
  undelivered: 23,
  /** `[24, hops, broker, peer, frame]` an invite, start or outcome on its way to the peer's node. */
  attemptTo: 24,
  /** `[25, hops, broker, peer, frame]` an answer or report of that peer on its way to the broker. */
  attemptFrom: 25,
  /** `[26, operator, subject, reason, issued, until, signature]` an operator's ban, or the end of one. */
  ban: 26,
  // punching: src/wire/attempt_protocol.ts
  /** `[32, request, peer]` peer → node: an attempt with that peer, please. */
  attempt: 32,
  /** `[33, request, attempt, answer, connect]` node → asker: it begins. */
  granted: 33,
  /** `[34, request, reason, retryAfter]` node → asker: it does not. */
  denied: 34,
  /** `[35, attempt, broker, peer, answer, connect]` node → invited: that peer wants an attempt. */
  invite: 35,
  /** `[36, attempt, broker, reason, held]` both peers → broker; reason 0: I am ready. */
  answer: 36,
  /** `[37, attempt, delay]` broker → both. */
  start: 37,
  /** `[38, attempt, broker, reason]` both peers → broker: how it went here. */
  report: 38,
  /** `[39, attempt, reason, duration]` broker → both, once. */
  outcome: 39,
  // topics
  /** `[40, announcement, tells]` peer → node: I am in this topic; `tells` 1: tell me who else is. */
  announce: 40,
  /** `[41, topic]` peer → node: no longer. */
  withdraw: 41,
  /** `[42, reason, topic, size, [peer, …]]` node → peer: the answer to announce, members at random. */
  roster: 42,
  /** `[43, topic, peer, present]` node → peer: a member came or left. */
  member: 43,
  // watches
  /** `[48, [peer, …]]` peer → node: tell where each of these is, now and whenever that changes. */
  watch: 48,
  /** `[49, [peer, …]]` peer → node: no longer. */
  unwatch: 49,
  /** `[50, reason, peer, node]` node → peer; reason 0 and the node that the peer is at, or null. */
  sighting: 50,
} as const;

/** The request of a `found` that nobody asked for. */
export const UNASKED = 0;

/** Reason codes: 1–31 end a session, 32–63 undeliverable, 64–95 end a link, 96–127 outcomes of attempts. Open-ended. */
export const Reason = {
  none: 0,
  // a session ends
  closed: 1,
  draining: 2,
  replaced: 3,
  overCapacity: 4,
  unauthorized: 5,
  badSignature: 6,
  protocolError: 7,
  handshakeTimeout: 8,
  pingTimeout: 9,
  wrongNetwork: 10,
  wrongId: 11,
  wrongHost: 12,
  unsupportedVersion: 13,
  banned: 14,
  overQuota: 15,
  internalError: 16,
  disconnected: 17,
  /** Its access token's time is over: a fresh one begins another session. */
  expired: 18,
  // a frame was not delivered
  absent: 32,
  gone: 33,
  queueFull: 34,
  tooLarge: 35,
  rateLimited: 36,
  forbidden: 37,
  /** Sent on, but through a node that has died or fallen silent since. */
  inDoubt: 38,
  // a link ends
  linkClosed: 64,
  linkRejected: 65,
  peerRestarted: 66,
  linkProtocolError: 67,
  linkTimeout: 68,
  // how an attempt ended
  connected: 96,
  refused: 97,
  unanswered: 98,
  noCandidatePair: 99,
  timedOut: 100,
  cancelled: 101,
  peerGone: 102,
  /** No outcome: the other side asked for the same pair, and its attempt goes on instead. */
  superseded: 103,
} as const;
export type Reason = number;

/** Role of the dialer, in auth. */
export const Role = { peer: 0, node: 1 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/**
 * How a session proves that it is alive. `nonce`: ping/pong frames from both sides.
 * `text`: the dialer sends the text message `ping`, the platform answers `pong`, even
 * while the node hibernates (Cloudflare Durable Objects); nothing else may be text.
 */
export const Liveness = { nonce: 0, text: 1 } as const;
export type Liveness = (typeof Liveness)[keyof typeof Liveness];

export interface Hello {
  kind: "hello";
  version: number;
  node: Key;
  network: string;
  /** 32 random bytes, never used twice. */
  challenge: Uint8Array;
  /** The node's clock, milliseconds since 1970; lets a peer with a wrong clock correct its records. */
  time: number;
  features: string[];
  /** The frame's exact bytes: later signatures cover them. */
  bytes: Uint8Array;
}

/** `[id, role, instance, started, network, challenge, host, agent, features, token, age]`; `age` may be missing. */
export interface AuthBody {
  id: Key;
  role: Role;
  /** 16 random bytes, fresh for each process. */
  instance: Uint8Array;
  /** When that process began, milliseconds since 1970: the newer instance of a key replaces the older. */
  started: number;
  network: string;
  challenge: Uint8Array;
  /** Host and port as dialled: a node that is not called so refuses, so a challenge cannot be forwarded. */
  host: string;
  /** Like HTTP User-Agent (RFC 9110 §10.1.5): `waymeet/0.1.0 bun/1.4.5`. */
  agent: string;
  features: string[];
  /** Access token (JWT) or null. */
  token: string | null;
  /** Milliseconds for which that process has lived, by a clock that nobody sets: `started` may be wrong. */
  age?: number;
}
export interface Auth {
  kind: "auth";
  body: AuthBody;
  /** Exact bytes of the body, as signed. */
  bodyBytes: Uint8Array;
  signature: Uint8Array;
  bytes: Uint8Array;
}

/** Where a peer may relay by TURN (RFC 8656), and for how long: `[urls, username, credential, expires]`. */
export interface TurnServer {
  /** RFC 7065. */
  urls: string[];
  username: string;
  credential: string;
  /** When the credential ends, milliseconds since 1970. */
  expires: number;
}

/** `[session, liveness, interval, address, maxPayload, maxQueue, nodes, stun, features, turn]` */
export interface WelcomeBody {
  /** 16 random bytes naming this session in logs on both sides. */
  session: Uint8Array;
  liveness: Liveness;
  /** Milliseconds between pings. */
  interval: number;
  /** The dialer's address as the node saw it, `""` when it does not tell. */
  address: string;
  /** Largest payload of a data frame, bytes. */
  maxPayload: number;
  /** Bytes the node queues for this session before it drops. */
  maxQueue: number;
  /** URLs of other nodes of the network. */
  nodes: string[];
  /** STUN server URLs (RFC 7064). */
  stun: string[];
  features: string[];
  /** Left out when there is none. */
  turn?: TurnServer[];
}
export interface Welcome {
  kind: "welcome";
  body: WelcomeBody;
  bodyBytes: Uint8Array;
  signature: Uint8Array;
}

export interface Bye {
  kind: "bye";
  reason: Reason;
  text: string;
  /** Nodes to try instead. */
  nodes: string[];
}
export interface Ping {
  kind: "ping";
  /** 8 random bytes. */
  nonce: Uint8Array;
}
export interface Pong {
  kind: "pong";
  nonce: Uint8Array;
}
export interface Notice {
  kind: "notice";
  reason: Reason;
  peer: Key;
}
export interface Publish {
  kind: "publish";
  record: SignedBytes;
}
export interface Lookup {
  kind: "lookup";
  /** Chosen by the asker, echoed in the answer: 0 … 2^32−1. */
  request: number;
  peer: Key;
}
export interface Found {
  kind: "found";
  request: number;
  reason: Reason;
  record: HeldBytes | null;
}
/** What the welcome says of other nodes, anew. */
export interface Nodes {
  kind: "nodes";
  nodes: string[];
}
/**
 * How much the peer may send: data frames, and bytes of them, a second in the long run and at once; 0: as
 * much as it likes. Each WebSocket message, and each frame in it, may count 64 bytes beside its own. What is
 * more is dropped with a notice (`rate-limited`).
 */
export interface Rate {
  kind: "rate";
  framesPerSecond: number;
  frameBurst: number;
  bytesPerSecond: number;
  byteBurst: number;
  /** 0: as things stand; otherwise something was dropped, and milliseconds until there is room again. */
  pause: number;
}
export interface Watch {
  kind: "watch";
  peers: Key[];
}
export interface Unwatch {
  kind: "unwatch";
  peers: Key[];
}
/**
 * A peer's word that it is in a topic: `[topic, peer, issued, expires, network]`, signed by
 * the topic's key, so only by somebody who knows its name, and by the peer's.
 */
export interface Announcement {
  topic: Key;
  peer: Key;
  /** Milliseconds since 1970. */
  issued: number;
  expires: number;
  network: string;
}
export interface Announce {
  kind: "announce";
  /** `[body, signature of the topic, signature of the peer]`, as it travels. */
  announcement: Uint8Array;
  /** Whether the node is to tell who else is in the topic. */
  tells: boolean;
}
export interface Withdraw {
  kind: "withdraw";
  topic: Key;
}
export interface Roster {
  kind: "roster";
  /** 0, or why the announcement was not taken. */
  reason: Reason;
  topic: Key;
  /** Members known, the asker among them. */
  size: number;
  /** Other members: all, or a random sample. */
  peers: Key[];
}
export interface TopicMember {
  kind: "member";
  topic: Key;
  peer: Key;
  present: boolean;
}
/** Where a watched peer is. Only the word of the nodes: none of it is signed by the peer. */
export interface Sighting {
  kind: "sighting";
  /** 0: at `node`; `absent`: at no node; any other: it is not watched, and this is why. */
  reason: Reason;
  peer: Key;
  /** Its home, as its newest record says. */
  node: Key | null;
}
/** A kind this version does not know; ignored. */
export interface Unknown {
  kind: "unknown";
  number: number;
}

/** What a dialer (peer) says besides data. */
export type PeerToNode =
  | Auth
  | Bye
  | Ping
  | Pong
  | Publish
  | Lookup
  | Announce
  | Withdraw
  | Watch
  | Unwatch
  | AttemptFromPeer;
/** What a node says to a peer besides data. */
export type NodeToPeer =
  | Hello
  | Welcome
  | Bye
  | Ping
  | Pong
  | Notice
  | Found
  | Nodes
  | Rate
  | Roster
  | TopicMember
  | Sighting
  | AttemptFromNode;
export type Control = PeerToNode | NodeToPeer | NodeToNode | Unknown;

/**
 * A peer's signed word on where and how it is reached:
 * `[peer, instance, started, linkKey, nodes, sequence, issued, expires, network]`.
 * Newer = larger (started, instance, sequence), compared in that order.
 */
export interface PeerRecord {
  peer: Key;
  instance: Uint8Array;
  started: number;
  /** X25519 public key of this process, for Noise IK. */
  linkKey: Uint8Array;
  /** Ids of the nodes that hold its sessions: home first, then standby. */
  nodes: Key[];
  sequence: number;
  /** Milliseconds since 1970. */
  issued: number;
  expires: number;
  network: string;
}

/**
 * Domain strings. Every signature covers `cbor([domain, …parts])` with the parts as
 * byte strings, so bytes signed for one purpose can never serve for another
 * (an auth played back as a welcome, a record as an auth).
 */
export const Domain = {
  authPeer: "waymeet.1 auth peer",
  authNode: "waymeet.1 auth node",
  welcome: "waymeet.1 welcome",
  record: "waymeet.1 record",
  topic: "waymeet.1 topic",
  link: "waymeet.1 link",
  edges: "waymeet.1 edges",
  ban: "waymeet.1 ban",
  mesh: "waymeet.1 mesh",
} as const;
