/**
 * What travelled: a digest of everything in its order, so that two runs of a seed can be compared,
 * counts by kind of frame, and a watch over forwarded frames (no node may see one twice).
 *
 * @module
 */
import { isData } from "../../src/wire/data_frame.ts";
import { isForward, SOURCE_OFFSET } from "../../src/wire/forward_frame.ts";
import { frameEnd } from "../../src/wire/sequence.ts";
import type { End, Line } from "./network.ts";
import { wordAt } from "./stand_in.ts";
import type { Timeline } from "./timeline.ts";

export interface FrameCount {
  frames: number;
  bytes: number;
}

/** Milliseconds for which a forwarded frame is remembered: longer than any partition holds it up. */
const REMEMBERED = 40_000;

/** How often a payload was sent by a peer, came to nodes after the first, and to each. */
interface Seen {
  sent: number;
  hops: number;
  at: Map<string, number>;
}

/** What nodes say to each other, by the first item of a frame; see `src/wire/protocol.ts`. */
const HEAD = 1;

export class Trace {
  messages = 0;
  bytes = 0;
  /** Frames between nodes by kind. */
  readonly meshFrames: Map<number, FrameCount> = new Map();
  /** Nodes that a forwarded frame came to after the first, at most. */
  mostHops = 0;
  readonly loops: string[] = [];
  /** Whether a machine is a node. */
  isNode: (name: string) => boolean = () => false;
  readonly #timeline: Timeline;
  #a = 0x811c9dc5;
  #b = 0x1b873593;
  #visits = new Map<number, Seen>();
  #earlier = new Map<number, Seen>();
  #turned = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** 64 bits of everything that happened so far. */
  get digest(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  delivered(line: Line, from: End, message: Uint8Array | string): void {
    this.messages++;
    this.bytes += message.length;
    this.note(this.#timeline.now * 1000);
    this.note(line.number * 2 + (from === line.dialer ? 1 : 0));
    if (typeof message === "string") return;
    this.#mixBytes(message);
    if (!this.isNode(from.machine.name)) return this.#injected(message);
    if (this.isNode(from.other.machine.name)) this.#between(from.other.machine.name, message);
  }

  note(number: number): void {
    this.#a = Math.imul(this.#a ^ (number | 0), 0x01000193);
    this.#b = Math.imul(this.#b ^ this.#a ^ (this.#b >>> 15), 0x85ebca6b);
  }

  #mixBytes(bytes: Uint8Array): void {
    let a = this.#a ^ bytes.length;
    let b = this.#b;
    for (let at = 0; at < bytes.length; at += 4) {
      a = Math.imul(a ^ wordAt(bytes, at), 0x01000193);
      b = Math.imul(b ^ a ^ (a >>> 15), 0x9e3779b1) ^ (b >>> 13);
    }
    this.#a = a;
    this.#b = b;
  }

  #injected(message: Uint8Array): void {
    for (let at = 0; at < message.length;) {
      const end = frameEnd(message, at);
      if (end < 0) return;
      if (isData(message, at)) this.#seen(message, end).sent++;
      at = end;
    }
  }

  #between(node: string, message: Uint8Array): void {
    for (let at = 0; at < message.length;) {
      const end = frameEnd(message, at);
      if (end < 0) return;
      const count = this.#countOf(message[at + HEAD]!);
      count.frames++;
      count.bytes += end - at;
      if (isForward(message, at)) this.#forwarded(node, message, at, end);
      at = end;
    }
  }

  #countOf(kind: number): FrameCount {
    const known = this.meshFrames.get(kind);
    if (known) return known;
    const fresh = { frames: 0, bytes: 0 };
    this.meshFrames.set(kind, fresh);
    return fresh;
  }

  /** A peer may send the same bytes again: each time a node may see them once more. */
  #forwarded(node: string, message: Uint8Array, at: number, end: number): void {
    const seen = this.#seen(message, end);
    const sent = Math.max(1, seen.sent);
    this.mostHops = Math.max(this.mostHops, Math.ceil(++seen.hops / sent));
    const visits = (seen.at.get(node) ?? 0) + 1;
    seen.at.set(node, visits);
    if (visits <= sent) return;
    const source = message.subarray(at + SOURCE_OFFSET, at + SOURCE_OFFSET + 4).join(".");
    if (this.loops.length < 10) this.loops.push(`${node} saw a frame of ${source} ${visits} times`);
  }

  #seen(message: Uint8Array, end: number): Seen {
    const print = fingerprint(message, end);
    const known = this.#visits.get(print);
    if (known) return known;
    if (this.#timeline.now - this.#turned > REMEMBERED) {
      this.#turned = this.#timeline.now;
      [this.#earlier, this.#visits] = [this.#visits, new Map()];
    }
    const seen = this.#earlier.get(print) ?? { sent: 0, hops: 0, at: new Map() };
    this.#visits.set(print, seen);
    return seen;
  }
}

/** A payload is sealed, so the last bytes of a frame, which has more, are like no other's: 53 bits of them. */
function fingerprint(message: Uint8Array, end: number): number {
  let [a, b] = [0x811c9dc5, 0];
  for (let at = end - 24; at < end; at += 4) {
    a = Math.imul(a ^ wordAt(message, at), 0x01000193);
    b = Math.imul(b ^ a ^ (a >>> 15), 0x9e3779b1) ^ (b >>> 13);
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
