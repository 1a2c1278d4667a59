/**
 * The handshake: hello, auth, welcome. Encoders take what readers give, in the same
 * shapes; a caller's value out of bounds is a `RangeError`, a stranger's `undefined`.
 *
 * @module
 */
import { byteStringsBehind } from "./byte_strings.ts";
import { decode, encode, type Value } from "./cbor.ts";
import { joinBytes } from "./join_bytes.ts";
import {
  MAX_FEATURES,
  MAX_NODES,
  MAX_PING_INTERVAL,
  MAX_TOKEN,
  MAX_TURN,
  MIN_PING_INTERVAL,
} from "./limits.ts";
import {
  type Auth,
  type AuthBody,
  Domain,
  type Hello,
  Kind,
  Liveness,
  Role,
  type TurnServer,
  type Welcome,
  type WelcomeBody,
} from "./protocol.ts";
import {
  is32,
  isBytes,
  isFeature,
  isList,
  isNodeUrl,
  isStunUrl,
  isText,
  isTurnUrl,
  isUint,
  readSigned,
} from "./shape.ts";

/** Bytes of a challenge. */
const CHALLENGE = 32;

/** What a node says in its hello. */
export type HelloFields = Omit<Hello, "kind" | "bytes">;

/** @throws {RangeError} when a field is out of bounds. */
export function encodeHello(fields: HelloFields): Uint8Array {
  const { version, node, network, challenge, time, features } = fields;
  const frame = [Kind.hello, version, node, network, challenge, time, features];
  return encodeChecked(frame, readHello(frame, new Uint8Array()), "hello");
}

/** What writes the hello with this challenge, 32 bytes, at this time, milliseconds since 1970. */
export type HelloWriter = (challenge: Uint8Array, time: number) => Uint8Array;

/**
 * Hellos of one node, which differ in challenge and time alone: what stands before and behind these is written once.
 *
 * @throws {RangeError} when a field is out of bounds.
 */
export function helloWriter(fields: Omit<HelloFields, "challenge" | "time">): HelloWriter {
  const blank = encodeHello({ ...fields, challenge: new Uint8Array(CHALLENGE), time: 0 });
  const behind = encode(fields.features);
  const before = blank.slice(0, blank.length - behind.length - encode(0).length - CHALLENGE);
  return (challenge, time) => joinBytes([before, challenge, encode(time), behind]);
}

/** `bytes` is the frame these items were decoded from; it is copied. */
export function readHello(frame: Value[], bytes: Uint8Array): Hello | undefined {
  const [, version, node, network, challenge, time, features] = frame;
  if (!isUint(version) || !is32(node) || !isText(network) || !is32(challenge) || !isUint(time)) {
    return undefined;
  }
  if (!isList(features, MAX_FEATURES, isFeature)) return undefined;
  return { kind: "hello", version, node, network, challenge, time, features, bytes: bytes.slice() };
}

/** The bytes a dialer signs. @throws {RangeError} when a field is out of bounds. */
export function encodeAuthBody(body: AuthBody): Uint8Array {
  const { id, role, instance, started, network, challenge, host, agent, features, token, age } = body;
  const items = [id, role, instance, started, network, challenge, host, agent, features, token];
  if (age !== undefined) items.push(age);
  return encodeChecked(items, readAuthBody(items), "auth");
}

export function decodeAuthBody(bytes: Uint8Array): AuthBody | undefined {
  const items = decode(bytes);
  return Array.isArray(items) ? readAuthBody(items) : undefined;
}

function readAuthBody(items: Value[]): AuthBody | undefined {
  const [id, role, instance, started, network, challenge, host, agent, features, token, age] = items;
  if (!is32(id) || !isRole(role) || !isBytes(instance, 16) || !isUint(started)) return undefined;
  if (!isText(network) || !is32(challenge) || !isText(host) || !isText(agent)) return undefined;
  if (!isList(features, MAX_FEATURES, isFeature)) return undefined;
  if (token !== null && !isText(token, MAX_TOKEN)) return undefined;
  if (age !== undefined && !isUint(age)) return undefined;
  const body = { id, role, instance, started, network, challenge, host, agent, features, token };
  return age === undefined ? body : { ...body, age };
}

export function encodeAuth(body: Uint8Array, signature: Uint8Array): Uint8Array {
  const frame = [Kind.auth, body, signature];
  return encodeChecked(frame, readAuth(frame, body), "auth");
}

/** `bytes` is the frame these items were decoded from; it is copied. */
export function readAuth(frame: Value[], bytes: Uint8Array): Auth | undefined {
  const signed = readSigned(frame[1], frame[2]);
  const body = signed && decodeAuthBody(signed.body);
  if (!body) return undefined;
  return { kind: "auth", body, bodyBytes: signed.body, signature: signed.signature, bytes: bytes.slice() };
}

/** The bytes a node signs. @throws {RangeError} when a field is out of bounds. */
export function encodeWelcomeBody(body: WelcomeBody): Uint8Array {
  const { session, liveness, interval, address, maxPayload, maxQueue, nodes, stun, features, turn } = body;
  const items: Value[] = [session, liveness, interval, address, maxPayload, maxQueue, nodes, stun, features];
  if (turn !== undefined) items.push(turn.map(turnItems));
  return encodeChecked(items, readWelcomeBody(items), "welcome");
}

export function decodeWelcomeBody(bytes: Uint8Array): WelcomeBody | undefined {
  const items = decode(bytes);
  return Array.isArray(items) ? readWelcomeBody(items) : undefined;
}

function readWelcomeBody(items: Value[]): WelcomeBody | undefined {
  const [session, liveness, interval, address, maxPayload, maxQueue, nodes, stun, features, turn] = items;
  if (!isBytes(session, 16) || !isLiveness(liveness) || !isInterval(interval) || !isText(address)) {
    return undefined;
  }
  if (!isUint(maxPayload) || !isUint(maxQueue) || !isList(nodes, MAX_NODES, isNodeUrl)) return undefined;
  if (!isList(stun, MAX_FEATURES, isStunUrl) || !isList(features, MAX_FEATURES, isFeature)) return undefined;
  const body = { session, liveness, interval, address, maxPayload, maxQueue, nodes, stun, features };
  if (turn === undefined) return body;
  const servers = readTurn(turn);
  return servers && { ...body, turn: servers };
}

function turnItems({ urls, username, credential, expires }: TurnServer): Value[] {
  return [urls, username, credential, expires];
}

function readTurn(value: Value): TurnServer[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_TURN) return undefined;
  const servers = value.map(readTurnServer);
  return servers.every((server) => server !== undefined) ? servers : undefined;
}

function readTurnServer(value: Value): TurnServer | undefined {
  if (!Array.isArray(value)) return undefined;
  const [urls, username, credential, expires] = value;
  if (!isList(urls, MAX_TURN, isTurnUrl) || !isText(username) || !isText(credential) || !isUint(expires)) {
    return undefined;
  }
  return { urls, username, credential, expires };
}

/** `body` as {@link encodeWelcomeBody} wrote it: what was checked there is not read again. */
export function encodeWelcome(body: Uint8Array, signature: Uint8Array): Uint8Array {
  requireRead(readSigned(body, signature), "welcome");
  return byteStringsBehind(Kind.welcome, body, signature);
}

export function readWelcome(frame: Value[]): Welcome | undefined {
  const signed = readSigned(frame[1], frame[2]);
  const body = signed && decodeWelcomeBody(signed.body);
  return body && { kind: "welcome", body, bodyBytes: signed.body, signature: signed.signature };
}

/**
 * What the auth signature covers. The hello brings the node's id and its fresh
 * challenge (no replay, no forwarding to another node), the body the dialled host
 * and the dialer's own challenge; the role's domain stops reflection.
 */
export function authSigned(role: Role, hello: Uint8Array, body: Uint8Array): Uint8Array {
  return byteStringsBehind(role === Role.peer ? Domain.authPeer : Domain.authNode, hello, body);
}

/**
 * What the welcome signature covers: both whole frames before it and its own body,
 * so nobody between the two changed a version, a feature or a limit.
 */
export function welcomeSigned(hello: Uint8Array, auth: Uint8Array, body: Uint8Array): Uint8Array {
  return byteStringsBehind(Domain.welcome, hello, auth, body);
}

/** Writes `items` unless the reader refused them. */
export function encodeChecked(items: Value[], read: unknown, name: string): Uint8Array {
  requireRead(read, name);
  return encode(items);
}

/** @throws {RangeError} when the reader refused what is to be written. */
function requireRead(read: unknown, name: string): void {
  if (read === undefined) {
    throw new RangeError(`a field of this ${name} is out of the bounds in src/wire/limits.ts`);
  }
}

function isRole(value: Value | undefined): value is Role {
  return value === Role.peer || value === Role.node;
}

function isLiveness(value: Value | undefined): value is Liveness {
  return value === Liveness.nonce || value === Liveness.text;
}

function isInterval(value: Value | undefined): value is number {
  return isUint(value, MAX_PING_INTERVAL) && value >= MIN_PING_INTERVAL;
}
