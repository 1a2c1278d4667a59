/**
 * One end of a lane, as a {@link Socket}: what a WebSocket is to a connection over the network,
 * to a pipe between two processes.
 *
 * @module
 */
import { isForward } from "../wire/forward_frame.ts";
import { closeBody, LANE_HEAD, LaneKind, type LaneOwner, LaneReader, writeLaneHead } from "./lane_frames.ts";
import type { Socket, SocketHandlers } from "./socket.ts";

/** A stream of bytes in both directions, as a runtime has it. */
export interface Pipe {
  /**
   * Takes as many bytes as there is room for, of `head` and then of `body`, and returns how many; both may be used
   * again then. MUST call {@link PipeOwner.writable} when it took less and there is room again. MUST NOT throw.
   */
  write(head: Uint8Array, body: Uint8Array): number;
  /** Ends it behind what it took. */
  end(): void;
  /** Drops it. */
  terminate(): void;
}

/** Whom a pipe tells. */
export interface PipeOwner {
  /** The pipe is there. */
  opened(pipe: Pipe): void;
  /**
   * The owner may overwrite `bytes`, which MUST hold until this turn of the event loop is over; never a `Buffer`, see
   * {@link SocketHandlers.message}.
   */
  received(bytes: Uint8Array): void;
  writable(): void;
  /** Once, also when it never opened. */
  ended(trouble?: string): void;
}

/** Status codes of RFC 6455 §7.4.1. */
const PROTOCOL_ERROR = 1002;
const ABNORMAL = 1006;
const NOTHING = new Uint8Array(0);

export class LaneSocket implements Socket, PipeOwner, LaneOwner {
  readonly copies = true;
  /** May be exchanged. */
  handlers: SocketHandlers;
  readonly #reader: LaneReader = new LaneReader(this);
  #pipe: Pipe | undefined;
  /** What waits for room, in its order. */
  #waiting: Uint8Array[] = [];
  buffered = 0;
  /** How it ends, once that is known. */
  #end: { code: number; reason: string } | undefined;
  readonly #head = new Uint8Array(LANE_HEAD);

  constructor(handlers: SocketHandlers) {
    this.handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#pipe !== undefined && this.#end === undefined;
  }

  send(message: Uint8Array | string): number {
    if (!this.isOpen) return -1;
    if (typeof message === "string") this.#write(LaneKind.text, new TextEncoder().encode(message));
    else this.#write(LaneKind.bytes, message);
    return this.buffered;
  }

  close(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    if (this.#pipe !== undefined) this.#write(LaneKind.close, closeBody(code, reason));
    this.#endWith(code, reason);
  }

  terminate(): void {
    this.#end ??= { code: ABNORMAL, reason: "terminated" };
    this.#pipe?.terminate();
  }

  opened(pipe: Pipe): void {
    if (this.#end !== undefined) return pipe.terminate();
    this.#pipe = pipe;
    this.handlers.open?.();
  }

  received(bytes: Uint8Array): void {
    const trouble = this.#reader.read(bytes);
    if (trouble !== undefined) this.close(PROTOCOL_ERROR, trouble);
  }

  message(message: Uint8Array | string): void {
    if (this.#end !== undefined) return;
    // What a node relays has left when this turn is over, anything else may be kept.
    const stays = typeof message === "string" || isForward(message, 0);
    this.handlers.message(stays ? message : message.slice());
  }

  closing(code: number, reason: string): void {
    if (this.#end === undefined) this.#endWith(code, reason);
  }

  writable(): void {
    if (this.buffered === 0) return;
    while (this.buffered > 0 && this.#writeOn());
    if (this.buffered > 0) return;
    if (this.#end !== undefined) this.#pipe?.end();
    else this.handlers.drain?.();
  }

  ended(trouble: string = "the other process is gone"): void {
    const { code, reason } = this.#end ??= { code: ABNORMAL, reason: trouble };
    this.#pipe = undefined;
    this.handlers.closed(code, reason);
  }

  #endWith(code: number, reason: string): void {
    this.#end = { code, reason };
    if (this.buffered === 0) this.#pipe?.end();
  }

  #write(kind: LaneKind, body: Uint8Array): void {
    const head = this.#head;
    writeLaneHead(head, kind, body.length);
    const taken = this.buffered > 0 ? 0 : this.#pipe!.write(head, body);
    if (taken < LANE_HEAD) this.#keep(head.slice(taken));
    if (taken < LANE_HEAD + body.length) this.#keep(body.slice(Math.max(0, taken - LANE_HEAD)));
  }

  #keep(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.buffered += bytes.length;
  }

  /** Gives the pipe what waits, two at a time; false: it has no room for more. */
  #writeOn(): boolean {
    const waiting = this.#waiting;
    const [first, second = NOTHING] = waiting as [Uint8Array, Uint8Array?];
    const taken = this.#pipe!.write(first, second);
    this.buffered -= taken;
    if (taken < first.length) waiting[0] = first.subarray(taken);
    else if (taken < first.length + second.length) {
      waiting.splice(0, 2, second.subarray(taken - first.length));
    } else waiting.splice(0, 2);
    return taken === first.length + second.length;
  }
}
