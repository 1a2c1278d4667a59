/**
 * The node's half of a session: a thin driver that joins the acceptor's steps with a
 * socket, a clock, signatures and the node's verdict.
 *
 * @module
 */
import { type Identity, verify } from "../identity/identity.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { decodeControl, type HelloWriter, helloWriter } from "../wire/frames.ts";
import { HANDSHAKE_STEP, MAX_PAYLOAD, MAX_QUEUE, PING_INTERVAL } from "../wire/limits.ts";
import { type AuthBody, Liveness, Role, VERSION } from "../wire/protocol.ts";
import type { Clock } from "./clock.ts";
import { acceptorStep } from "./handshake.ts";
import type { AcceptorSide, AcceptorState } from "./handshake_state.ts";
import type { Event, Offer, Task, Terms, Verdict } from "./lifecycle.ts";
import type { LivenessStyle } from "./liveness.ts";
import { LiveSession } from "./live_session.ts";
import type { Negotiation, Settlement } from "./negotiation.ts";
import type { Session, SessionHandlers } from "./session.ts";
import type { Socket, SocketHandlers } from "./socket.ts";
import { Ticker } from "./ticker.ts";
import type { Turn } from "./turn.ts";

export type { Offer, Verdict } from "./lifecycle.ts";

/** How a node receives one dialer. */
export interface AcceptOptions {
  identity: Identity;
  network: string;
  /** The id in the URL path: a claim that the auth must prove. */
  claimed: PeerId;
  /**
   * What the node is called, as dialers write it: `host` (any port) or `host:port`, in lower case.
   * `"any"` gives up the protection against forwarded challenges, for tests and loopback.
   */
  hosts: readonly string[] | "any";
  /** The dialer's address as the node sees it, for the welcome; `""` tells nothing. */
  address: string;
  clock: Clock;
  /** That many bytes from a cryptographic source. */
  random: (length: number) => Uint8Array;
  /** Default: nonce. */
  liveness?: Liveness;
  /** With text liveness: answer `ping` here because the platform does not do it. Default false. */
  answerText?: boolean;
  /** Milliseconds between pings when no {@link ticker} is given. Default `PING_INTERVAL`. */
  interval?: number;
  /** Shared by all sessions of a node, so that 15,000 sessions need one timer; its interval counts. */
  ticker?: Ticker;
  /** Shared by all sessions of a node: then {@link Session.gather} gathers. */
  turn?: Turn;
  /** Default `MAX_PAYLOAD`. */
  maxPayload?: number;
  /** Default `MAX_QUEUE`. */
  maxQueue?: number;
  /** Milliseconds for each step. Default `HANDSHAKE_STEP`. */
  deadline?: number;
  /** Features in hello. */
  features?: string[];
  /** Shared by all sessions of a node, which says the same to each: {@link helloOf}. */
  hello?: HelloWriter;
  /** Frames in the same message as hello: what the URL asked for, and a stranger may know. */
  behind?: readonly Uint8Array[];
  welcome?: (auth: AuthBody) => Offer;
  /**
   * Asked once the signature is verified. Whatever it reserves is to be given back in `handlers.closed`;
   * when `session.state` is already `closed` (the dialer left meanwhile), reserve nothing.
   * What it throws refuses the dialer with `internalError` (fails closed). `early`: messages that came with the auth and
   * are delivered once the session is ready; their frames are not checked yet.
   */
  authorize: (
    auth: AuthBody,
    session: Session,
    early: readonly Uint8Array[],
  ) => Promise<Verdict> | Verdict;
  /** When an auth may be read and its signature checked, which costs more than all that strangers cause besides. Default: at once. */
  turnstile?: (pass: () => void) => void;
  /** Asked when a handshake fails: whether there is time to tell why, before hanging up. Default: there is. */
  tells?: () => boolean;
  handlers: SessionHandlers;
  /** Told of what a handler or callback threw; the session then ends with `internalError`. */
  onError?: (error: unknown) => void;
  /** Signs instead of the identity. For simulators. */
  sign?: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Verifies instead of WebCrypto. For simulators. */
  verify?: (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>;
}

/** A session on its way, and what its socket tells it. */
export interface Accepted {
  session: Session;
  /** Call them as methods of this object; `open` once the socket is open (that sends hello). */
  handlers: Required<SocketHandlers>;
}

/**
 * Receives a dialer on a socket whose WebSocket upgrade is done or under way. Nothing is sent
 * before `handlers.open`; every outcome arrives at `options.handlers`.
 *
 * @throws {RangeError} when the network, the features or a limit is out of the protocol's bounds.
 *
 * @example
 * ```ts
 * import { generateIdentity } from "../identity/identity.ts";
 * import { systemClock } from "./clock.ts";
 *
 * const identity = await generateIdentity();
 * const socket = { send: () => 0, buffered: 0, close() {}, terminate() {} };
 * const { session, handlers } = acceptSession(socket, {
 *   identity,
 *   network: "example",
 *   claimed: identity.id,
 *   hosts: ["meet.example.org"],
 *   address: "",
 *   clock: systemClock,
 *   random: (length) => crypto.getRandomValues(new Uint8Array(length)),
 *   authorize: () => ({ ok: true }),
 *   handlers: { ready() {}, data() {}, control() {}, closed() {} },
 * });
 * handlers.open();
 * handlers.message("strange");
 * handlers.closed(1006, "");
 * console.log(session.state); // "closed"
 * ```
 */
export function acceptSession(socket: Socket, options: AcceptOptions): Accepted {
  const side = acceptorSide(options);
  const session: LiveSession = new LiveSession(
    options,
    negotiation(options, side, () => session),
    side.deadline,
  );
  session.attach(socket);
  return { session, handlers: session };
}

/** What is left of a handshake that an earlier process did. */
export interface ResumedSession {
  auth: AuthBody;
  /** As in `Session.id`. */
  session: string;
}

/**
 * Goes on with a session whose handshake an earlier process did, on a socket that lived on with
 * the platform. It is ready at once, and `handlers.ready` is not called again.
 */
export function resumeSession(socket: Socket, o: AcceptOptions, resumed: ResumedSession): Accepted {
  const refuse = () => {
    throw new Error("a session that goes on has no handshake");
  };
  const session = new LiveSession(o, {
    decode: decodeControl,
    step: refuse,
    perform: refuse,
    settle: refuse,
  }, HANDSHAKE_STEP);
  session.attach(socket);
  session.resume({
    remoteKey: resumed.auth.id,
    remote: o.claimed,
    auth: leanAuth(resumed.auth, o.network),
    session: Uint8Array.from(resumed.session.match(/../g)!, (pair) => parseInt(pair, 16)),
    style: styleOf(o.liveness ?? Liveness.nonce, o.answerText ?? false),
    ticker: o.ticker ?? new Ticker(o.clock, o.interval ?? PING_INTERVAL, 1),
    eager: false,
  });
  return { session, handlers: session };
}

/** What says hello for this node. @throws {RangeError} when the network or the features are out of bounds. */
export function helloOf(o: Pick<AcceptOptions, "identity" | "network" | "features">): HelloWriter {
  const { identity: { publicKey: node }, network, features = [] } = o;
  return helloWriter({ version: VERSION, node, network, features });
}

function acceptorSide(o: AcceptOptions): AcceptorSide {
  return {
    hello: o.hello ?? helloOf(o),
    challenge: o.random(32),
    network: o.network,
    behind: o.behind,
    claimed: o.claimed,
    hosts: o.hosts,
    welcome: {
      session: o.random(16),
      liveness: o.liveness ?? Liveness.nonce,
      interval: o.ticker?.interval ?? o.interval ?? PING_INTERVAL,
      address: o.address,
      maxPayload: o.maxPayload ?? MAX_PAYLOAD,
      maxQueue: o.maxQueue ?? MAX_QUEUE,
    },
    deadline: o.deadline ?? HANDSHAKE_STEP,
  };
}

function negotiation(o: AcceptOptions, side: AcceptorSide, session: () => Session): Negotiation {
  return {
    decode: decodeControl,
    step: (state, event) => acceptorStep(side, state as AcceptorState, event),
    perform: (task) => perform(o, task, session()),
    settle: (terms) => settle(o, side, terms),
    tells: () => o.tells?.() ?? true,
  };
}

async function perform(o: AcceptOptions, task: Task, session: Session): Promise<Event> {
  switch (task.type) {
    case "sign":
      return { type: "signed", signature: await (o.sign ?? o.identity.sign.bind(o.identity))(task.bytes) };
    case "verify":
      return { type: "verified", valid: await (o.verify ?? verify)(task.key, task.bytes, task.signature) };
    case "queue":
      if (o.turnstile) await new Promise<void>(o.turnstile);
      return { type: "turn" };
    case "authorize": {
      const verdict = await o.authorize(task.auth, session, task.early);
      return { type: "verdict", verdict, offer: verdict.ok ? o.welcome?.(task.auth) ?? {} : {} };
    }
    default:
      throw new Error(`a node does not ${task.type}`);
  }
}

/**
 * What stays of an auth: the challenge has served, and a token is not kept lying about.
 * Thousands of peers say the same host and agent; one copy of each is enough.
 */
function leanAuth(auth: AuthBody, network: string): AuthBody {
  const { id, role, instance, started, host, agent, features, age } = auth;
  const lean: AuthBody = {
    ...{ id, role, instance, started, network, challenge: SPENT, token: null },
    host: shared(host),
    agent: shared(agent),
    features: features.length === 0 ? NO_FEATURES : features,
  };
  if (age !== undefined) lean.age = age;
  return lean;
}

const NO_FEATURES: string[] = [];
/** Texts kept once; more than these are strangers' inventions and not worth keeping. */
const MAX_SHARED = 1_024;
const texts = new Map<string, string>();

function shared(text: string): string {
  const known = texts.get(text);
  if (known === undefined && texts.size < MAX_SHARED) texts.set(text, text);
  return known ?? text;
}

function settle(o: AcceptOptions, side: AcceptorSide, { remoteKey, welcome, auth }: Terms): Settlement {
  return {
    challenge: auth!.role === Role.node ? side.challenge : undefined,
    remoteKey,
    remote: o.claimed,
    auth: leanAuth(auth!, o.network),
    session: welcome.session,
    style: styleOf(welcome.liveness, o.answerText ?? false),
    ticker: o.ticker ?? new Ticker(o.clock, welcome.interval, 1),
    eager: false,
  };
}

const SPENT = new Uint8Array(0);

function styleOf(liveness: Liveness, answersText: boolean): LivenessStyle {
  if (liveness === Liveness.nonce) return "nonce";
  return answersText ? "answers" : "silent";
}
