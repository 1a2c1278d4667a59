import { type AcceptOptions, acceptSession } from "../../src/session/accept.ts";
import type { Session } from "../../src/session/session.ts";
import type { Identity } from "../../src/identity/identity.ts";
import { authSigned, decodeControl, encodeAuth, encodeAuthBody } from "../../src/wire/frames.ts";
import { type AuthBody, type Control, type Hello, Role } from "../../src/wire/protocol.ts";
import { splitFrames } from "../../src/wire/sequence.ts";
import { accepting, HOST, Log, peer } from "./meeting.ts";
import { type PairEnd, socketPair } from "./socket_pair.ts";
import { settle, VirtualClock } from "./virtual_clock.ts";

/** A hand-made dialer: it says what a test wants, byte by byte, to a node that verifies in earnest. */
export interface Stranger {
  clock: VirtualClock;
  session: Session;
  log: Log;
  /** The stranger's end. */
  near: PairEnd;
  hello: Hello;
  say(...messages: (Uint8Array | string)[]): Promise<void>;
}

export async function stranger(more: Partial<AcceptOptions> = {}): Promise<Stranger> {
  const [clock, log] = [new VirtualClock(), new Log()];
  const [near, far] = socketPair(clock);
  const options = accepting(clock, log, { sign: undefined, verify: undefined, ...more });
  const { session, handlers } = acceptSession(far, options);
  far.handlers = handlers;
  handlers.open();
  await settle();
  const hello = frames(far)[0] as Hello;
  const say = async (...messages: (Uint8Array | string)[]) => {
    for (const message of messages) near.send(message);
    await settle();
  };
  return { clock, session, log, near, hello, say };
}

/** Every control frame that an end has sent. */
export function frames(end: PairEnd): (Control | undefined)[] {
  return end.sent.flatMap((message) => splitFrames(message as Uint8Array)!.map(decodeControl));
}

/** An honest answer to `hello`, with parts exchanged. */
export async function authFor(
  hello: Hello,
  more: Partial<AuthBody> = {},
  signer: Identity = peer,
): Promise<Uint8Array> {
  const body = encodeAuthBody({
    id: signer.publicKey,
    role: Role.peer,
    instance: new Uint8Array(16),
    started: VirtualClock.EPOCH,
    network: "test",
    challenge: new Uint8Array(32).fill(5),
    host: HOST,
    agent: "stranger/1",
    features: [],
    token: null,
    ...more,
  });
  return encodeAuth(body, await signer.sign(authSigned(more.role ?? Role.peer, hello.bytes, body)));
}
