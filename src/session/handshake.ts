/**
 * The handshake, both halves, as pure steps `(state, event) → (state, effects)`.
 *
 *     dialer   opening → hello → preparing → signing → welcome → verifying → ready
 *     acceptor opening → auth → queued → verifying → authorizing → signing → ready
 *
 * Each wait has a deadline. Whatever bytes come, the answer is a step towards a coded
 * close; only the program's own mistakes throw.
 *
 * @module
 */
import { invalidKey } from "../identity/key_check.ts";
import { peerIdText } from "../identity/peer_id.ts";
import {
  authSigned,
  encodeAuth,
  encodeAuthBody,
  encodeWelcome,
  encodeWelcomeBody,
  welcomeSigned,
} from "../wire/frames.ts";
import { MAX_CONTROL, MAX_EARLY, MAX_QUEUE } from "../wire/limits.ts";
import {
  type Auth,
  type AuthBody,
  type Bye,
  type Hello,
  OLDEST_VERSION,
  Reason,
  type WelcomeBody,
} from "../wire/protocol.ts";
import { before, firstFrame, foundBehind, type Held, hold, NOTHING, requireEarly } from "./early.ts";
import type { AcceptorSide, AcceptorState, DialerSide, DialerState } from "./handshake_state.ts";
import {
  type Closed,
  type Draining,
  endingStep,
  endStep,
  type Event,
  fail,
  impossible,
  type Offer,
  type Prepared,
  READY,
  type Ready,
  type Step,
  type Terms,
  type Verdict,
} from "./lifecycle.ts";

type DialerStep = Step<DialerState>;
type AcceptorStep = Step<AcceptorState>;
type In<State, Name> = Extract<State, { name: Name }>;

/** One step of the half that dialled. Throws when `event` cannot happen in `state`. */
export function dialerStep(side: DialerSide, state: DialerState, event: Event): DialerStep {
  if (state.name === "draining" || state.name === "closed") return endStep(state, event);
  const ending = commonStep(state, event, state.name === "welcome" || state.name === "verifying");
  if (ending) return ending;
  switch (state.name) {
    case "opening":
      if (event.type === "open") return { state: { name: "hello" }, effects: [arm(side)] };
      break;
    case "hello":
      if (event.type === "message") return readHello(side, event.message);
      break;
    case "preparing":
      if (event.type === "message") return tooSoon(event.message);
      if (event.type === "prepared") return prepareAuth(side, state, event);
      break;
    case "signing":
      if (event.type === "message") return tooSoon(event.message);
      if (event.type === "signed") return sendAuth(side, state, event.signature);
      break;
    case "welcome":
      if (event.type === "message") return readWelcome(state, event.message);
      break;
    case "verifying":
      if (event.type === "message") return hold(state, event.message, MAX_QUEUE);
      if (event.type === "verified") return believeWelcome(state, event.valid);
      break;
  }
  return impossible(state, event);
}

/** One step of the half that was dialled. Throws when `event` cannot happen in `state`. */
export function acceptorStep(side: AcceptorSide, state: AcceptorState, event: Event): AcceptorStep {
  if (state.name === "draining" || state.name === "closed") return endStep(state, event);
  const ending = commonStep(state, event, state.name === "authorizing" || state.name === "signing");
  if (ending) return ending;
  switch (state.name) {
    case "opening":
      if (event.type === "open") return sayHello(side, event.wall);
      break;
    case "auth":
      if (event.type === "message") return queueAuth(side, state.hello, event.message);
      break;
    case "queued":
      if (event.type === "message") return hold(state, event.message, MAX_EARLY);
      if (event.type === "turn") return readAuth(side, state);
      break;
    case "verifying":
      if (event.type === "message") return hold(state, event.message, MAX_EARLY);
      if (event.type === "verified") return believeAuth(side, state, event.valid);
      break;
    case "authorizing":
      if (event.type === "message") return hold(state, event.message, MAX_EARLY);
      if (event.type === "verdict") return decide(side, state, event.verdict, event.offer);
      break;
    case "signing":
      if (event.type === "message") return hold(state, event.message, MAX_EARLY);
      if (event.type === "signed") return sendWelcome(state, event.signature);
      break;
  }
  return impossible(state, event);
}

/** Ends, and the deadline, which are the same in every state of a handshake. */
function commonStep(
  state: { name: string },
  event: Event,
  polite: boolean,
): Step<Draining | Closed> | undefined {
  if (event.type !== "deadline") return endingStep(state, event, polite);
  return fail(Reason.handshakeTimeout, `no progress in the handshake while "${state.name}"`, polite);
}

function readHello(side: DialerSide, message: Uint8Array | string): DialerStep {
  const first = firstFrame(message);
  if (first.kind === "bye") return leave(first.frame);
  if (first.kind !== "hello") return fail(Reason.protocolError, `hello expected, ${first.what}`);
  const found = foundBehind(first.rest);
  if (!found || found.length > (side.sought ?? 0)) {
    return fail(Reason.protocolError, "behind hello stands what nobody asked for");
  }
  const hello = first.frame;
  const refusal = refuseHello(side, hello);
  if (refusal) return refusal;
  return { state: { name: "preparing", hello }, effects: [arm(side), { type: "prepare", hello, found }] };
}

function refuseHello(side: DialerSide, hello: Hello): Step<Draining> | undefined {
  if (hello.version < OLDEST_VERSION) {
    const text = `the node speaks version ${hello.version}, this needs ${OLDEST_VERSION} at least`;
    return fail(Reason.unsupportedVersion, text);
  }
  if (hello.network !== side.body.network) {
    return fail(Reason.wrongNetwork, `the node belongs to the network "${hello.network}"`);
  }
  // A key of small order verifies any welcome, so anybody could speak for it.
  const flaw = invalidKey(hello.node);
  if (flaw !== undefined) return fail(Reason.badSignature, `the node's key is none: ${flaw}`);
  if (side.expectNode !== undefined && side.expectNode !== peerIdText(hello.node)) {
    return fail(Reason.wrongId, `the node is ${peerIdText(hello.node)}, not ${side.expectNode}`);
  }
  return undefined;
}

function prepareAuth(
  side: DialerSide,
  state: { hello: Hello },
  { started, age, token, early }: Prepared,
): DialerStep {
  requireEarly(early);
  const { hello } = state;
  const bodyBytes = encodeAuthBody({ ...side.body, started, age, token });
  const bytes = authSigned(side.body.role, hello.bytes, bodyBytes);
  return { state: { name: "signing", hello, bodyBytes, early }, effects: [{ type: "sign", bytes }] };
}

function sendAuth(
  side: DialerSide,
  state: { hello: Hello; bodyBytes: Uint8Array; early: Uint8Array[] },
  signature: Uint8Array,
): DialerStep {
  const auth = encodeAuth(state.bodyBytes, signature);
  return {
    state: { name: "welcome", hello: state.hello, auth },
    effects: [{ type: "send", frames: [auth, ...state.early] }, arm(side)],
  };
}

function readWelcome(state: { hello: Hello; auth: Uint8Array }, message: Uint8Array | string): DialerStep {
  const first = firstFrame(message);
  if (first.kind === "bye") return leave(first.frame);
  if (first.kind !== "welcome") return fail(Reason.protocolError, `welcome expected, ${first.what}`);
  const { body, bodyBytes, signature } = first.frame;
  const { hello, auth } = state;
  const bytes = welcomeSigned(hello.bytes, auth, bodyBytes);
  return {
    state: { name: "verifying", hello, welcome: body, held: before(first.rest, NOTHING) },
    effects: [{ type: "verify", key: hello.node, bytes, signature }],
  };
}

function believeWelcome(
  state: { hello: Hello; welcome: WelcomeBody; held: Held },
  valid: boolean,
): DialerStep {
  // Somebody between who passed our auth on, or a node that is not who it says.
  if (!valid) return fail(Reason.badSignature, "the node did not sign its welcome");
  const { hello, welcome, held } = state;
  return begin({ remoteKey: hello.node, hello, welcome }, held);
}

function sayHello(side: AcceptorSide, wall: number): AcceptorStep {
  const hello = side.hello(side.challenge, wall);
  const frames = [hello, ...side.behind ?? []];
  return { state: { name: "auth", hello }, effects: [{ type: "send", frames }, arm(side)] };
}

/**
 * Nothing is made of a stranger's bytes before its turn: of hundreds that come at once, reading alone would hold up
 * those who have a session.
 */
function queueAuth(side: AcceptorSide, hello: Uint8Array, message: Uint8Array | string): AcceptorStep {
  if (typeof message === "string") return fail(Reason.protocolError, "auth expected, got text");
  if (message.length > MAX_CONTROL + MAX_EARLY) return fail(Reason.protocolError, TOO_EARLY);
  return {
    state: { name: "queued", hello, message: message.slice(), held: NOTHING },
    effects: [arm(side), { type: "queue" }],
  };
}

function readAuth(side: AcceptorSide, { hello, message, held }: In<AcceptorState, "queued">): AcceptorStep {
  const first = firstFrame(message);
  if (first.kind === "bye") return leave(first.frame);
  if (first.kind !== "auth") return fail(Reason.protocolError, `auth expected, ${first.what}`);
  if (first.rest.length + held.size > MAX_EARLY) return fail(Reason.protocolError, TOO_EARLY);
  const auth = first.frame;
  const refusal = refuseAuth(side, auth.body);
  if (refusal) return refusal;
  const bytes = authSigned(auth.body.role, hello, auth.bodyBytes);
  return {
    state: { name: "verifying", hello, auth, held: before(first.rest, held) },
    effects: [{ type: "verify", key: auth.body.id, bytes, signature: auth.signature }],
  };
}

const TOO_EARLY = "too many bytes before the welcome";

function refuseAuth(side: AcceptorSide, body: AuthBody): Step<Draining> | undefined {
  if (body.network !== side.network) {
    return fail(Reason.wrongNetwork, `this node belongs to the network "${side.network}"`);
  }
  // A key of small order verifies any signature on some runtimes.
  const flaw = invalidKey(body.id);
  if (flaw !== undefined) return fail(Reason.badSignature, `the key is none: ${flaw}`);
  if (peerIdText(body.id) !== side.claimed) return fail(Reason.wrongId, "the id is not the one in the path");
  if (!isNamed(side.hosts, body.host)) {
    return fail(Reason.wrongHost, `this node is not called "${body.host}"`);
  }
  if (!PRINTABLE.test(body.agent)) return fail(Reason.protocolError, "the agent is not printable");
  return undefined;
}

/** Whether the node goes by the name that the dialer used: a challenge forwarded from elsewhere names elsewhere. */
function isNamed(hosts: readonly string[] | "any", host: string): boolean {
  if (hosts === "any") return true;
  const dialled = host.toLowerCase();
  return hosts.includes(dialled) || hosts.includes(dialled.replace(/:\d+$/, ""));
}

/** No control characters, which could forge lines of a log, and no invisible ones. */
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

function believeAuth(
  side: AcceptorSide,
  state: { hello: Uint8Array; auth: Auth; held: Held },
  valid: boolean,
): AcceptorStep {
  // A replayed or forwarded auth covers another hello; a reflected welcome has another domain.
  if (!valid) return fail(Reason.badSignature, "the signature does not match");
  const { hello, auth, held } = state;
  return {
    state: { name: "authorizing", hello, auth, held },
    effects: [arm(side), { type: "authorize", auth: auth.body, early: held.messages }],
  };
}

function decide(
  side: AcceptorSide,
  state: { hello: Uint8Array; auth: Auth; held: Held },
  verdict: Verdict,
  offer: Offer,
): AcceptorStep {
  if (!verdict.ok) {
    const { reason, text, nodes = [] } = verdict;
    return endingStep({ name: "authorizing" }, { type: "close", reason, text, nodes }, true)!;
  }
  const { hello, auth, held } = state;
  const welcome = {
    ...side.welcome,
    nodes: offer.nodes ?? [],
    stun: offer.stun ?? [],
    features: offer.features ?? [],
    ...offer.turn === undefined ? {} : { turn: offer.turn },
  };
  const welcomeBytes = encodeWelcomeBody(welcome);
  return {
    state: { name: "signing", auth, welcome, welcomeBytes, held },
    effects: [{ type: "sign", bytes: welcomeSigned(hello, auth.bytes, welcomeBytes) }],
  };
}

function sendWelcome(state: In<AcceptorState, "signing">, signature: Uint8Array): AcceptorStep {
  const frames = [encodeWelcome(state.welcomeBytes, signature)];
  const { auth, welcome, held } = state;
  const { state: ready, effects } = begin({ remoteKey: auth.body.id, auth: auth.body, welcome }, held);
  return { state: ready, effects: [{ type: "send", frames }, ...effects] };
}

function begin(terms: Terms, held: Held): Step<Ready> {
  return {
    state: READY,
    effects: [{ type: "disarm" }, { type: "ready", terms }, { type: "deliver", messages: held.messages }],
  };
}

function tooSoon(message: Uint8Array | string): Step<Draining | Closed> {
  const first = firstFrame(message);
  return first.kind === "bye" ? leave(first.frame) : fail(Reason.protocolError, `too soon: ${first.what}`);
}

function leave(bye: Bye): Step<Draining | Closed> {
  return endingStep({ name: "handshake" }, { type: "bye", bye }, false)!;
}

function arm(side: { deadline: number }): { type: "arm"; delay: number } {
  return { type: "arm", delay: side.deadline };
}
