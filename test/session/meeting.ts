import { sha512 } from "@noble/hashes/sha2.js";
import { type Identity, identityFromSeed } from "../../src/identity/identity.ts";
import { type AcceptOptions, acceptSession } from "../../src/session/accept.ts";
import { type DialOptions, dialSession } from "../../src/session/dial.ts";
import type { Session, SessionEnd, SessionHandlers } from "../../src/session/session.ts";
import type { Control } from "../../src/wire/protocol.ts";
import { type PairEnd, type PairOptions, socketPair } from "./socket_pair.ts";
import { settle, VirtualClock } from "./virtual_clock.ts";

export const peer: Identity = await identityFromSeed(new Uint8Array(32).fill(1));
export const node: Identity = await identityFromSeed(new Uint8Array(32).fill(2));
export const otherNode: Identity = await identityFromSeed(new Uint8Array(32).fill(3));
export const otherPeer: Identity = await identityFromSeed(new Uint8Array(32).fill(4));

/** What a session told its owner. */
export class Log implements SessionHandlers {
  readonly ready_: Session[] = [];
  readonly frames: Uint8Array[] = [];
  readonly controls: Control[] = [];
  readonly ends: SessionEnd[] = [];
  readonly errors: unknown[] = [];
  messages = 0;
  drains = 0;
  /** What it told, in order. */
  readonly told: string[] = [];

  ready(session: Session): void {
    this.told.push("ready");
    this.ready_.push(session);
  }
  data(_: Session, message: Uint8Array, start: number, end: number): void {
    this.told.push("data");
    this.frames.push(message.slice(start, end));
  }
  control(_: Session, frame: Control): void {
    this.told.push(frame.kind);
    this.controls.push(frame);
  }
  endOfMessage(): void {
    this.messages++;
  }
  left?(session: Session, message: Uint8Array, frames: number, waiting: number): void;
  drain(): void {
    this.drains++;
  }
  closed(_: Session, end: SessionEnd): void {
    this.told.push("closed");
    this.ends.push(end);
  }
  get end(): SessionEnd | undefined {
    return this.ends[0];
  }
}

/** Randomness that repeats: test runs are alike. */
export function counter(): (length: number) => Uint8Array {
  let count = 0;
  return (length) => sha512(new Uint8Array([count++ & 255, count >> 8])).slice(0, length);
}

/** Instant signatures for tests of time and order: a hash of key and bytes, which anybody could compute. */
export function instant(identity: Identity): Pick<DialOptions, "sign" | "verify"> {
  const sign = (key: Uint8Array, bytes: Uint8Array) => sha512(new Uint8Array([...key, ...bytes]));
  return {
    sign: (bytes) => Promise.resolve(sign(identity.publicKey, bytes)),
    verify: (key, bytes, signature) => Promise.resolve(`${sign(key, bytes)}` === `${signature}`),
  };
}

export const HOST = "127.0.0.1:8787";

/** A dialer's options without what connects it. */
export function dialing(
  clock: VirtualClock,
  log: Log,
  more: Partial<DialOptions> = {},
): Omit<DialOptions, "connect"> {
  return {
    url: `ws://${HOST}`,
    identity: peer,
    network: "test",
    instance: new Uint8Array(16).fill(7),
    started: VirtualClock.EPOCH - 1_000,
    agent: "waymeet-test/1.0",
    clock,
    random: counter(),
    handlers: log,
    onError: (error) => log.errors.push(error),
    ...instant(peer),
    ...more,
  };
}

export function accepting(clock: VirtualClock, log: Log, more: Partial<AcceptOptions> = {}): AcceptOptions {
  return {
    identity: node,
    network: "test",
    claimed: peer.id,
    hosts: [HOST],
    address: "192.0.2.7:4711",
    clock,
    random: counter(),
    authorize: () => ({ ok: true }),
    handlers: log,
    onError: (error) => log.errors.push(error),
    ...instant(node),
    ...more,
  };
}

/** A peer and a node on two ends of one socket. */
export interface Meeting {
  clock: VirtualClock;
  dialer: Session;
  acceptor: Session;
  /** The sockets' ends. */
  near: PairEnd;
  far: PairEnd;
  dialed: Log;
  accepted: Log;
}

/** Dials and lets everything instant happen; with real signatures wait for `ready_`. */
export async function meet(
  dial: Partial<DialOptions> = {},
  accept: Partial<AcceptOptions> = {},
  options: PairOptions = {},
): Promise<Meeting> {
  const clock = (dial.clock as VirtualClock | undefined) ?? new VirtualClock();
  const [dialed, accepted] = [new Log(), new Log()];
  const [near, far] = socketPair(clock, options);
  const { session: acceptor, handlers } = acceptSession(far, accepting(clock, accepted, accept));
  far.handlers = handlers;
  const connect: DialOptions["connect"] = (_url, ears) => {
    near.handlers = ears;
    queueMicrotask(() => {
      ears.open?.();
      handlers.open();
    });
    return near;
  };
  const dialer = dialSession({ ...dialing(clock, dialed, dial), connect });
  await settle();
  await settle();
  return { clock, dialer, acceptor, near, far, dialed, accepted };
}

/** A meeting whose session is ready. */
export async function ready(
  dial: Partial<DialOptions> = {},
  accept: Partial<AcceptOptions> = {},
): Promise<Meeting> {
  const meeting = await meet(dial, accept);
  if (meeting.dialer.state !== "ready" || meeting.acceptor.state !== "ready") {
    throw new Error(`not ready: ${JSON.stringify([meeting.dialed, meeting.accepted])}`);
  }
  return meeting;
}
