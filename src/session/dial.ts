/**
 * The dialer's half of a session: a thin driver that joins the dialer's steps with a
 * socket, a clock and signatures.
 *
 * @module
 */
import { type Identity, verify } from "../identity/identity.ts";
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { type DecodeControl, decodePeerControl, encodeAuthBody } from "../wire/frames.ts";
import { HANDSHAKE_STEP } from "../wire/limits.ts";
import { type Found, type Hello, Liveness, Role } from "../wire/protocol.ts";
import type { Clock } from "./clock.ts";
import { dialerStep } from "./handshake.ts";
import type { DialerSide, DialerState } from "./handshake_state.ts";
import type { Event, Task, Terms } from "./lifecycle.ts";
import { LiveSession } from "./live_session.ts";
import type { Negotiation, Settlement } from "./negotiation.ts";
import { sessionUrl } from "./session_url.ts";
import type { Session, SessionHandlers } from "./session.ts";
import type { Connect } from "./socket.ts";
import { Ticker } from "./ticker.ts";

/** How to reach a node, as whom, and with what. */
export interface DialOptions {
  /** The node's base URL, `wss://host[:port][/prefix]`; `ws:` only on loopback, or with {@link insecure}. */
  url: string;
  /** Allows `ws:` off loopback: whoever is between may then take the session over after the handshake (rule 4). */
  insecure?: boolean;
  identity: Identity;
  /** Default: peer. */
  role?: Role;
  /** Reads control frames. Default: `decodePeerControl`; nodes MUST give `decodeControl`. */
  decode?: DecodeControl;
  network: string;
  /** 16 random bytes, fresh for each process. */
  instance: Uint8Array;
  /**
   * When this process began, milliseconds since 1970; a function for who corrects a wrong
   * clock by the node's.
   */
  started: number | ((hello: Hello) => number);
  /** Milliseconds for which this process has lived, by a clock that nobody sets. */
  age?: () => number;
  /** Like HTTP User-Agent. */
  agent: string;
  features?: string[];
  /** Access token, or what fetches one; asked only when the node has said hello. */
  token?: string | ((hello: Hello) => Promise<string | undefined> | string | undefined);
  /** Accept this node alone. */
  expectNode?: PeerId;
  connect: Connect;
  clock: Clock;
  /** That many bytes from a cryptographic source. */
  random: (length: number) => Uint8Array;
  /** Peers whose records the node is asked for with the URL; it may answer behind its hello. At most `MAX_SOUGHT`. */
  find?: readonly PeerId[];
  /**
   * Frames that leave in the same message as auth; at most `MAX_EARLY` bytes, `MAX_BATCH - 1` frames. `found`: what
   * the node, unproven yet, told of the peers to {@link find}.
   */
  early?: (hello: Hello, found: Found[]) => Promise<Uint8Array[]> | Uint8Array[];
  /** Milliseconds for each step. Default `HANDSHAKE_STEP`. */
  deadline?: number;
  handlers: SessionHandlers;
  /** Told of what a handler or callback threw; the session then ends with `internalError`. */
  onError?: (error: unknown) => void;
  /** Signs instead of the identity. For simulators. */
  sign?: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Verifies instead of WebCrypto. For simulators. */
  verify?: (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>;
}

/**
 * Dials a node. Returns at once; `handlers.ready` or `handlers.closed` tells the outcome, never
 * before this function has returned.
 *
 * @throws {TypeError} when the URL is none, has a scheme other than `ws:`/`wss:`, or is `ws:` off loopback.
 * @throws {RangeError} when a field of the auth is out of the protocol's bounds.
 *
 * @example
 * ```ts
 * import { generateIdentity } from "../identity/identity.ts";
 * import { systemClock } from "./clock.ts";
 *
 * const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
 * const session = dialSession({
 *   url: "wss://meet.example.org",
 *   identity: await generateIdentity(),
 *   network: "example",
 *   instance: random(16),
 *   started: Date.now(),
 *   agent: "example/1.0",
 *   clock: systemClock,
 *   random,
 *   connect(url, handlers) {
 *     queueMicrotask(() => handlers.closed(1006, `nobody listens at ${url}`));
 *     return { send: () => -1, buffered: 0, close() {}, terminate() {} };
 *   },
 *   handlers: { ready() {}, data() {}, control() {}, closed: (_, end) => console.log(end.text) },
 * });
 * console.log(session.state); // "connecting"
 * ```
 */
export function dialSession(options: DialOptions): Session {
  const { url, host } = sessionUrl(options.url, options.identity.id, options.insecure, options.find);
  const side = dialerSide(options, host);
  const session = new LiveSession(options, negotiation(options, side), side.deadline);
  queueMicrotask(() => open(session, options, url));
  return session;
}

/** Its owner may have closed the session before the turn was over. */
function open(session: LiveSession, o: DialOptions, url: string): void {
  if (session.state !== "connecting") return session.feed({ type: "socketClosed", code: 1000, text: "" });
  try {
    session.attach(o.connect(url, session));
  } catch (error) {
    session.crash(error);
  }
}

function dialerSide(o: DialOptions, host: string): DialerSide {
  const body = {
    id: o.identity.publicKey,
    role: o.role ?? Role.peer,
    instance: o.instance,
    started: typeof o.started === "number" ? o.started : 0,
    network: o.network,
    challenge: o.random(32),
    host,
    agent: o.agent,
    features: o.features ?? [],
  };
  encodeAuthBody({ ...body, token: typeof o.token === "string" ? o.token : null }); // a mistake shows now, to the caller
  return {
    body,
    sought: o.find?.length ?? 0,
    expectNode: o.expectNode,
    deadline: o.deadline ?? HANDSHAKE_STEP,
  };
}

function negotiation(o: DialOptions, side: DialerSide): Negotiation {
  return {
    decode: o.decode ?? decodePeerControl,
    step: (state, event) => dialerStep(side, state as DialerState, event),
    perform: (task) => perform(o, task),
    settle: (terms) => settle(o, terms),
  };
}

async function perform(o: DialOptions, task: Task): Promise<Event> {
  switch (task.type) {
    case "prepare":
      return await prepare(o, task.hello, task.found);
    case "sign":
      return { type: "signed", signature: await (o.sign ?? o.identity.sign.bind(o.identity))(task.bytes) };
    case "verify":
      return { type: "verified", valid: await (o.verify ?? verify)(task.key, task.bytes, task.signature) };
    default:
      throw new Error(`a dialer does not ${task.type}`);
  }
}

async function prepare(o: DialOptions, hello: Hello, found: Found[]): Promise<Event> {
  const token = typeof o.token === "function" ? o.token(hello) : o.token;
  const [known, early] = await Promise.all([token, o.early?.(hello, found) ?? []]);
  const started = typeof o.started === "function" ? o.started(hello) : o.started;
  return { type: "prepared", started, age: o.age?.(), token: known ?? null, early };
}

function settle(o: DialOptions, { remoteKey, hello, welcome }: Terms): Settlement {
  return {
    remoteKey,
    remote: peerIdText(remoteKey),
    hello,
    welcome,
    session: welcome.session,
    style: welcome.liveness === Liveness.nonce ? "nonce" : "asks",
    ticker: new Ticker(o.clock, welcome.interval, 1),
    eager: true,
  };
}
