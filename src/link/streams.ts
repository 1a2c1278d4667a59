import { ByteStream } from "./byte_stream.ts";
import type { Bytes, End, Reset } from "./frames.ts";
import { MAX_STREAMS } from "./limits.ts";
import type { Fresh, Source } from "./sender.ts";

/** The byte streams of a conversation, and whose turn it is to send: theirs or the messages'. */
export class Streams implements Source {
  readonly #byId = new Map<number, ByteStream>();
  /** The messages, and every stream. */
  readonly #ring: Source[];
  #turn = 0;
  /** Ids of streams this side begins: odd for one side, even for the other. */
  #nextOurs: number;
  #newestTheirs = 0;

  constructor(side: "odd" | "even", messages: Source) {
    this.#nextOurs = side === "odd" ? 1 : 2;
    this.#ring = [messages];
  }

  get open(): ByteStream[] {
    return [...this.#byId.values()];
  }

  /** Bytes, or their end, wait to be sent or acknowledged. */
  get busy(): boolean {
    return this.open.some(({ write }) =>
      write.queued > 0 || write.state === "ending" || write.state === "ended"
    );
  }

  /** Bytes, or their end, wait to be sent. */
  get unsent(): boolean {
    return this.open.some(({ write }) => write.queued > 0 || write.state === "ending");
  }

  /** @throws {RangeError} when {@link MAX_STREAMS} are open. */
  begin(label: string): ByteStream {
    if (this.#count(true) >= MAX_STREAMS) {
      throw new RangeError(`${MAX_STREAMS} streams are open on this link: close some, or send messages`);
    }
    const stream = this.#keep(this.#nextOurs, label);
    this.#nextOurs += 2;
    return stream;
  }

  /** The other side began one. */
  answer(id: number, label: string): ByteStream | "violation" | "full" {
    if (this.#isOurs(id) || id <= this.#newestTheirs) return "violation";
    this.#newestTheirs = id;
    return this.#count(false) >= MAX_STREAMS ? "full" : this.#keep(id, label);
  }

  #isOurs(id: number): boolean {
    return id % 2 === this.#nextOurs % 2;
  }

  #count(ours: boolean): number {
    return [...this.#byId.keys()].filter((id) => this.#isOurs(id) === ours).length;
  }

  #keep(id: number, label: string): ByteStream {
    const stream = new ByteStream(id, label, () => this.forget(stream));
    this.#byId.set(id, stream);
    this.#ring.push(stream);
    return stream;
  }

  /** False: the other side broke the protocol. */
  take(frame: Bytes | End | Reset): boolean {
    const stream = this.#byId.get(frame.stream);
    // Unknown: over here already, or never begun by either side; the latter gains the sender nothing.
    if (!stream) return true;
    let kept = true;
    if (frame.kind === "bytes") kept = stream.take(frame.bytes);
    else if (frame.kind === "end") stream.takeEnd();
    else stream.takeReset(frame.side, frame.text);
    this.forget(stream);
    return kept;
  }

  grant(id: number, limit: number): void {
    this.#byId.get(id)?.write.grant(limit);
  }

  /** Drops a stream that is over. */
  forget(stream: ByteStream): void {
    if (!stream.over || !this.#byId.delete(stream.id)) return;
    this.#ring.splice(this.#ring.indexOf(stream), 1);
  }

  /** Messages and streams in turn, so that none starves another. */
  next(): Fresh | undefined {
    for (let left = this.#ring.length; left > 0; left--) {
      const at = this.#turn % this.#ring.length;
      const source = this.#ring[at]!;
      const next = source.next();
      this.#turn = this.#ring[at] === source ? at + 1 : at; // its last frame may have ended it
      if (next) return next;
    }
    return undefined;
  }
}
