/**
 * Messages of a handshake: the frame a state waits for stands first; what comes with it or
 * while a signature is being verified waits its turn, bounded.
 *
 * @module
 */
import { decodePeerControl } from "../wire/frames.ts";
import { MAX_BATCH, MAX_EARLY } from "../wire/limits.ts";
import { type Auth, type Bye, type Found, type Hello, Reason, type Welcome } from "../wire/protocol.ts";
import { checkBatch, frameEnd } from "../wire/sequence.ts";
import { type Draining, fail, type Step } from "./lifecycle.ts";

/** Messages that came before their time, in order. */
export interface Held {
  messages: Uint8Array[];
  /** Bytes they are charged for. */
  size: number;
}

/** Bytes charged for a message besides its own: thousands of tiny ones cost memory too. */
const OVERHEAD = 256;

/** Keeps a message until the signature is verified: nothing is done for a stranger before. */
export function hold<State extends { name: string; held: Held }>(
  state: State,
  message: Uint8Array | string,
  limit: number,
): Step<State | Draining> {
  if (typeof message === "string") return fail(Reason.protocolError, "text before the session was ready");
  const size = state.held.size + message.length + OVERHEAD;
  if (size > limit) return fail(Reason.protocolError, "too many bytes before the session was ready");
  const messages = [...state.held.messages, message.slice()];
  return { state: { ...state, held: { messages, size } }, effects: [] };
}

export const NOTHING: Held = { messages: [], size: 0 };

/** What is held once the first frame of the first message is read. */
export function before(rest: Uint8Array, { messages, size }: Held): Held {
  if (rest.length === 0) return { messages, size };
  return { messages: [rest, ...messages], size: size + rest.length };
}

/** The first frame of a message, as far as a handshake knows it, and the bytes behind it. */
export type First =
  | { kind: "hello"; frame: Hello; rest: Uint8Array; what: string }
  | { kind: "auth"; frame: Auth; rest: Uint8Array; what: string }
  | { kind: "welcome"; frame: Welcome; rest: Uint8Array; what: string }
  | { kind: "bye"; frame: Bye; rest: Uint8Array; what: string }
  | { kind: "other"; what: string };

/** Reads the first frame of a message that is checked as a whole. */
export function firstFrame(message: Uint8Array | string): First {
  if (typeof message === "string") return { kind: "other", what: "got text" };
  if (checkBatch(message) < 0) return { kind: "other", what: "got malformed bytes" };
  const end = frameEnd(message, 0);
  const [own, rest] = [message.slice(0, end), message.slice(end)]; // copies: views of few bytes cost Bun more
  const frame = decodePeerControl(own);
  switch (frame?.kind) {
    case "hello":
      return { kind: "hello", frame, rest, what: "got hello" };
    case "auth":
      return { kind: "auth", frame, rest, what: "got auth" };
    case "welcome":
      return { kind: "welcome", frame, rest, what: "got welcome" };
    case "bye":
      return { kind: "bye", frame, rest, what: "got bye" };
    default:
      return { kind: "other", what: `got ${frame?.kind ?? "another frame"}` };
  }
}

/** The frames behind a hello, in a message that is checked as a whole; `undefined` when one of them is no found. */
export function foundBehind(rest: Uint8Array): Found[] | undefined {
  const found: Found[] = [];
  for (let offset = 0; offset < rest.length;) {
    const end = frameEnd(rest, offset);
    const frame = decodePeerControl(rest.subarray(offset, end));
    if (frame?.kind !== "found") return undefined;
    found.push(frame);
    offset = end;
  }
  return found;
}

/** @throws {RangeError} when an acceptor would refuse so many frames before its welcome. */
export function requireEarly(early: Uint8Array[]): void {
  const size = early.reduce((sum, frame) => sum + frame.length, 0);
  if (size <= MAX_EARLY && early.length < MAX_BATCH) return;
  throw new RangeError(
    `at most ${MAX_EARLY} bytes in ${MAX_BATCH - 1} frames may go with auth, not ${size} in ${early.length}`,
  );
}
