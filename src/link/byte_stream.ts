/**
 * One byte stream of a conversation, both directions, each with its own credit.
 * Pure: `stream.ts` puts WHATWG streams on top.
 *
 * @module
 */
import type { ResetSide } from "./frames.ts";
import { MAX_LABEL } from "./limits.ts";
import { ReadHalf } from "./read_half.ts";
import type { Fresh, Source } from "./sender.ts";
import { clip } from "./text.ts";
import { WriteHalf } from "./write_half.ts";

/** What a stream tells the one who reads and writes it. */
export interface StreamEvents {
  /** Bytes may be read, or the end was reached. */
  readable(): void;
  /** Bytes left the queue, or everything has arrived. */
  writable(): void;
  /** The other side broke off: `writer`, what we read ends here; `reader`, what we write is not wanted. */
  reset(side: ResetSide, text: string): void;
}

export class ByteStream implements Source {
  readonly id: number;
  readonly label: string;
  readonly write: WriteHalf;
  readonly read: ReadHalf = new ReadHalf();
  events: StreamEvents = { readable() {}, writable() {}, reset() {} };
  #resets: { side: ResetSide; text: string }[] = [];
  readonly #progressed: () => void;

  /** `progressed`: bytes left or arrived, so this stream may be {@link over}. */
  constructor(id: number, label: string, progressed: () => void) {
    this.id = id;
    this.label = label;
    this.#progressed = progressed;
    this.write = new WriteHalf(id, () => {
      this.events.writable();
      progressed();
    });
  }

  /** Nothing more will happen here: the conversation may forget it. */
  get over(): boolean {
    return this.write.over && this.read.over && this.#resets.length === 0;
  }

  next(): Fresh | undefined {
    const reset = this.#resets.shift();
    if (!reset) return this.write.next();
    this.#progressed();
    return { frame: { kind: "reset", stream: this.id, ...reset } };
  }

  /** Breaks one direction off and tells the other side. */
  reset(side: ResetSide, text: string): void {
    const broken = side === "writer" ? this.write.reset() : this.read.reset();
    if (broken) this.#resets.push({ side, text: clip(text, MAX_LABEL) });
  }

  /** False: the other side broke its credit or wrote after its end. */
  take(bytes: Uint8Array): boolean {
    const taken = this.read.take(bytes);
    if (taken) this.events.readable();
    return taken;
  }

  takeEnd(): void {
    this.read.end();
    this.events.readable();
  }

  /** Their writer is our reading half, their reader our writing one. */
  takeReset(side: ResetSide, text: string): void {
    const broken = side === "writer" ? this.read.breakOff() : this.write.reset();
    if (broken) this.events.reset(side, text);
  }
}
