/**
 * Both ends of a session against a stranger: in the handshake, and, with a proven key, after it. The first
 * part's first byte says which. Signatures are hashes, so that inputs may hold valid ones.
 */
import { sha512 } from "@noble/hashes/sha2.js";
import { acceptSession } from "../../../src/session/accept.ts";
import { dialSession } from "../../../src/session/dial.ts";
import type { Session } from "../../../src/session/session.ts";
import { encode, type Value } from "../../../src/wire/cbor.ts";
import { authSigned, encodeHello, welcomeSigned } from "../../../src/wire/frames.ts";
import { Kind, Liveness, Role, VERSION } from "../../../src/wire/protocol.ts";
import type { Dice } from "../../dice.ts";
import { accepting, dialing, HOST, instant, Log, meet, node, peer } from "../../session/meeting.ts";
import { type PairEnd, socketPair } from "../../session/socket_pair.ts";
import { settle, VirtualClock } from "../../session/virtual_clock.ts";
import { sessionFrame, sessionValue } from "../grammars.ts";
import { type Input, joined } from "../mutation.ts";
import { claim, type Target, type World } from "../target.ts";
import { wildFrame } from "../wild.ts";

/** Milliseconds that an empty part lets pass. */
const WHILE = 4_000;
const MODES = ["acceptor", "dialer", "accepted", "dialled"] as const;

const challenge = new Uint8Array(32).fill(9);
const sign = (key: Uint8Array, bytes: Uint8Array) => sha512(new Uint8Array([...key, ...bytes]));
/** Hellos of the acceptor, and of the hostile node: the same in each world. */
const theirHello = encodeHello({
  ...{ version: VERSION, node: node.publicKey, network: "test", challenge, time: 0, features: [] },
});
/** All randomness is this, so that a recorded answer fits again. */
const fixed = (length: number) => new Uint8Array(length).fill(9);
const ourHello = encodeHello({
  ...{ version: VERSION, node: node.publicKey, network: "test", challenge, time: VirtualClock.EPOCH },
  features: [],
});

class SessionWorld implements World {
  #victim: Victim | undefined;

  async feed(part: Uint8Array): Promise<string> {
    if (this.#victim === undefined) {
      this.#victim = await victimOf(MODES[(part[0] ?? 0) % MODES.length]!);
      return this.#victim.mode;
    }
    return await this.#victim.hear(part);
  }

  async check(): Promise<void> {
    const victim = this.#victim;
    this.#victim = undefined;
    await victim?.finish();
  }
}

interface Victim {
  mode: string;
  hear(part: Uint8Array): Promise<string>;
  finish(): Promise<void>;
}

async function victimOf(mode: (typeof MODES)[number]): Promise<Victim> {
  const clock = new VirtualClock();
  if (mode === "accepted" || mode === "dialled") {
    const { near, far, dialer, acceptor, accepted, dialed } = await meet({ clock });
    return mode === "accepted"
      ? victim(mode, clock, near, far, acceptor, accepted)
      : victim(mode, clock, far, near, dialer, dialed);
  }
  const log = new Log();
  const [near, far] = socketPair(clock);
  near.handlers = { message() {}, closed() {} };
  if (mode === "acceptor") {
    const { session, handlers } = acceptSession(far, accepting(clock, log, { random: fixed }));
    far.handlers = handlers;
    handlers.open();
    await settle();
    return victim(mode, clock, near, far, session, log);
  }
  const session = dialSession({
    ...dialing(clock, log, { random: fixed }),
    connect: (_url, ears) => {
      far.handlers = ears;
      queueMicrotask(() => ears.open?.());
      return far;
    },
  });
  await settle();
  return victim(mode, clock, near, far, session, log);
}

function victim(
  mode: string,
  clock: VirtualClock,
  near: PairEnd,
  far: PairEnd,
  session: Session,
  log: Log,
): Victim {
  return {
    mode,
    async hear(part) {
      const told = log.told.length;
      if (part.length === 0) await clock.advance(WHILE);
      else near.send(part);
      await settle();
      await settle();
      claim(log.errors.length === 0, `an internal error: ${(log.errors[0] as Error)?.stack}`);
      return [session.state, ...log.told.slice(told, told + 3), log.end?.reason ?? ""].join("/");
    },
    async finish() {
      session.close(1);
      await clock.advance(60_000);
      claim(log.ends.length === 1, `it ended ${log.ends.length} times`);
      claim(session.state === "closed" && clock.timers === 0, `${clock.timers} timers are left`);
      claim(far.buffered === 0, "something waits in the socket");
    },
  };
}

/** What a stranger says to a node that greets it with {@link ourHello}. */
function authMessage(dice: Dice): Uint8Array {
  const honest: Value = [
    ...[
      peer.publicKey,
      Role.peer,
      fixed(16),
      VirtualClock.EPOCH,
      "test",
      fixed(32),
      HOST,
      "fuzz/1",
      [],
      null,
    ],
  ];
  const body = bodyOf("auth-body", honest, dice);
  const auth = encode([Kind.auth, body, sign(peer.publicKey, authSigned(Role.peer, ourHello, body))]);
  return joined([auth, ...some(dice)]);
}

/** What a hostile node says to a dialer: its hello, then a welcome to the auth that the dialer must have sent. */
function nodeMessages(dice: Dice): Input {
  const body = bodyOf("welcome-body", undefined, dice);
  const signature = sign(node.publicKey, welcomeSigned(theirHello, AUTH, body));
  return [theirHello, joined([encode([Kind.welcome, body, signature]), ...some(dice)])];
}

/** Honest with something changed in it, or any by the grammar. */
function bodyOf(rule: string, honest: Value | undefined, dice: Dice): Uint8Array {
  if (dice(2) === 0) return encode(sessionValue(rule, dice));
  const value = honest ?? WELCOME;
  return dice(2) === 0 ? encode(value) : wildFrame(value, dice);
}

const WELCOME: Value = [fixed(16), Liveness.nonce, 15_000, "192.0.2.1", 131_072, 4_194_304, [], [], []];

/** The dialer's answer to {@link theirHello}. */
const AUTH = await (async () => {
  const clock = new VirtualClock();
  const [near, far] = socketPair(clock);
  near.handlers = { message() {}, closed() {} };
  const session = dialSession({
    ...dialing(clock, new Log(), { random: fixed, ...instant(peer) }),
    connect: (_url, ears) => {
      far.handlers = ears;
      queueMicrotask(() => ears.open?.());
      return far;
    },
  });
  await settle();
  near.send(theirHello);
  await settle();
  await settle();
  const auth = far.sent[0] as Uint8Array;
  session.close(1);
  await clock.advance(10_000);
  return auth;
})();

function some(dice: Dice): Uint8Array[] {
  return Array.from({ length: dice(4) }, () => sessionFrame("frame", dice));
}

export const session: Target = {
  name: "session",
  inputsPerWorld: 200,
  begin: () => new SessionWorld(),
  generate(dice) {
    const mode = dice(MODES.length);
    const waits = dice(4) === 0 ? [new Uint8Array()] : [];
    const later = Array.from({ length: dice(4) }, () => joined([sessionFrame("frame", dice), ...some(dice)]));
    const first = mode === 0 ? [authMessage(dice)] : mode === 1 ? nodeMessages(dice) : [];
    return [new Uint8Array([mode]), ...first, ...waits, ...later];
  },
};
