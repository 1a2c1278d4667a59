/**
 * Whether a node answers, how fast, and what it tells: one session, opened and closed.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { connect as connectTcp } from "node:net";
import { generateIdentity, type Identity } from "../identity/identity.ts";
import { systemClock } from "../session/clock.ts";
import { dialSession } from "../session/dial.ts";
import type { Session, SessionEnd, SessionHandlers } from "../session/session.ts";
import type { Connect } from "../session/socket.ts";
import { Reason, type WelcomeBody } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { AGENT } from "../wire/version.ts";

/** One address behind a node's name. */
export interface AddressCheck {
  family: 4 | 6;
  address: string;
  /** Milliseconds until TCP connected; `undefined`: it did not. */
  connect?: number;
  /** Why it did not. */
  error?: string;
}

/** A node as it was found. Times in milliseconds. */
export interface NodeCheck {
  url: string;
  addresses: AddressCheck[];
  /** Until the node said hello: name, TCP, TLS, WebSocket. */
  hello?: number;
  /** Until the session was ready. */
  ready?: number;
  /** Of a ping over the session. */
  rtt?: number;
  /** How far the node's clock is ahead of this machine's, give or take half a round trip. */
  clockOffset?: number;
  /** This machine's address as the node sees it. */
  seenAs?: string;
  welcome?: WelcomeBody;
  /** Why there was no session. */
  error?: string;
}

export interface NodeCheckOptions {
  network: string;
  connect: Connect;
  identity?: Identity;
  token?: string;
  insecure?: boolean;
  /** Milliseconds for each step. */
  deadline: number;
}

/**
 * Checks one node. What goes wrong on the way is told in the result.
 *
 * @throws {TypeError} when the URL is none that peers may dial.
 */
export async function checkNode(url: string, options: NodeCheckOptions): Promise<NodeCheck> {
  const [addresses, session] = await Promise.all([
    checkAddresses(url, options.deadline),
    checkSession(url, options),
  ]);
  return { url, addresses, ...session };
}

type SessionCheck = Omit<NodeCheck, "url" | "addresses">;

/** With a fresh key unless one is given: the user's own would take the place of a program at work. */
async function checkSession(url: string, options: NodeCheckOptions): Promise<SessionCheck> {
  const identity = options.identity ?? await generateIdentity();
  const began = systemClock.now();
  const check: SessionCheck = {};
  let offset = 0;
  const ears = new Ears();
  const session = dialSession({
    ...options,
    url,
    identity,
    instance: random(16),
    started: Date.now(),
    agent: AGENT,
    clock: systemClock,
    random,
    early: (hello) => {
      check.hello = systemClock.now() - began;
      offset = hello.time - Date.now();
      return [];
    },
    handlers: ears,
  });
  const end = await ears.opened;
  if (end !== undefined) return { ...check, error: endText(end) };
  check.ready = systemClock.now() - began;
  check.rtt = await roundTrip(session, options.deadline);
  check.clockOffset = offset + (check.rtt ?? 0) / 2;
  check.welcome = session.welcome;
  check.seenAs = session.welcome?.address || undefined;
  session.close(Reason.closed, "checked");
  await ears.closing;
  return check;
}

class Ears implements SessionHandlers {
  #open!: (end: SessionEnd | undefined) => void;
  #close!: () => void;
  readonly opened: Promise<SessionEnd | undefined> = new Promise((resolve) => this.#open = resolve);
  readonly closing: Promise<void> = new Promise((resolve) => this.#close = resolve);

  ready(): void {
    this.#open(undefined);
  }
  data(): void {}
  control(): void {}
  closed(_session: Session, end: SessionEnd): void {
    this.#open(end);
    this.#close();
  }
}

/** The session pings by itself once it is ready. */
async function roundTrip(session: Session, deadline: number): Promise<number | undefined> {
  const until = systemClock.now() + deadline;
  while (session.rtt === undefined && session.state === "ready" && systemClock.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return session.rtt;
}

function endText({ reason, text }: SessionEnd): string {
  return text || reasonName(reason);
}

function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** Each address of the node's name by itself, so that a broken family shows. */
async function checkAddresses(url: string, deadline: number): Promise<AddressCheck[]> {
  const { hostname, port, protocol } = new URL(url);
  const number = Number(port) || (protocol === "wss:" ? 443 : 80);
  const addresses = await addressesOf(hostname);
  return await Promise.all(addresses.map((one) => checkTcp(one, number, deadline)));
}

/** Both families of a name; none when it cannot be resolved. */
export async function addressesOf(host: string): Promise<{ family: 4 | 6; address: string }[]> {
  const found = await lookup(host.replace(/^\[|\]$/g, ""), { all: true }).catch(() => []);
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

function checkTcp(
  { family, address }: { family: 4 | 6; address: string },
  port: number,
  deadline: number,
): Promise<AddressCheck> {
  const began = systemClock.now();
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port });
    const done = (outcome: Pick<AddressCheck, "connect" | "error">) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ family, address, ...outcome });
    };
    const timer = setTimeout(() => done({ error: "no answer" }), deadline);
    socket.on("connect", () => done({ connect: systemClock.now() - began }));
    socket.on("error", (error: Error & { code?: string }) => done({ error: error.code ?? error.message }));
  });
}
