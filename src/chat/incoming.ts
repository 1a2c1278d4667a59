/**
 * Takes in what the other side of one link says: its messages in order, its files beside.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Link } from "../link/link.ts";
import type { Message } from "../link/message.ts";
import type { LinkStream } from "../link/stream.ts";
import type { Arrivals } from "./arrivals.ts";
import { type ChatMessage, encodeMessage, MAX_FILE, readMessage } from "./chat_message.ts";
import type { ChatStore } from "./store.ts";

/** A file of which the note, or the content, is still to come. */
interface Half {
  note?: { message: Message; said: ChatMessage };
  content?: Blob;
}

/** Files of one side under way at once. */
const MAX_FILES = 8;

export interface IncomingPort {
  store: ChatStore;
  arrivals: Arrivals;
  wall(): number;
  /** Bytes of a file that have come so far. */
  progress(id: string, received: number): void;
}

export class Incoming {
  readonly #peer: PeerId;
  readonly #link: Link;
  readonly #port: IncomingPort;
  readonly #halves = new Map<string, Half>();

  constructor(link: Link, port: IncomingPort) {
    this.#peer = link.peer;
    this.#link = link;
    this.#port = port;
  }

  /** Resolves when the link has ended. */
  async run(): Promise<void> {
    await Promise.all([this.#messages(), this.#streams()]);
  }

  async #messages(): Promise<void> {
    for await (const message of this.#link) {
      const said = readMessage(message.data);
      if (said) await this.#take(message, said);
      else message.ack(); // no chat's message: there is nothing to store
    }
  }

  async #take(message: Message, said: ChatMessage): Promise<void> {
    const arrival = await this.#port.arrivals.take(this.#peer, message.id, said);
    switch (arrival.kind) {
      case "stored":
        return message.ack();
      case "refused":
        return this.#refuse(message, arrival.reason);
      case "expect": {
        const half = this.#half(message.id);
        if (!half) return this.#refuse(message, "too many files at once");
        half.note = { message, said };
        return await this.#complete(message.id, half);
      }
    }
  }

  #refuse({ id }: Message, reason: string): void {
    const body = { kind: "refused", id, reason } as const;
    const said = { name: "", at: this.#port.wall(), group: "", body };
    this.#link.send(encodeMessage(said)).catch(() => {}); // they send again, and are told again
  }

  async #streams(): Promise<void> {
    for await (const stream of this.#link.streams) void this.#receive(stream);
  }

  async #receive(stream: LinkStream): Promise<void> {
    const id = /^file ([0-9a-f]{32})$/.exec(stream.label)?.[1];
    const half = id === undefined ? undefined : this.#half(id);
    try {
      if (id === undefined || !half) return await stream.readable.cancel("nothing of that name is expected");
      half.content = await this.#read(id, stream.readable);
      await this.#complete(id, half);
    } catch {
      if (id !== undefined) this.#halves.delete(id); // broken off: it comes again with the next link
    }
  }

  /** Blobs of some MiB each, which a browser may keep on disk: a large file is never held in memory whole. */
  async #read(id: string, readable: ReadableStream<Uint8Array>): Promise<Blob> {
    const parts: Blob[] = [];
    let chunks: BlobPart[] = [];
    let [held, received] = [0, 0];
    for await (const chunk of iterate(readable)) {
      if ((received += chunk.length) > MAX_FILE) throw new RangeError("larger than a file may be");
      chunks.push(chunk as BlobPart);
      if ((held += chunk.length) >= PART) {
        parts.push(new Blob(chunks));
        [chunks, held] = [[], 0];
      }
      this.#port.progress(id, received);
    }
    return new Blob([...parts, ...chunks]);
  }

  async #complete(id: string, { note, content }: Half): Promise<void> {
    if (!note || !content) return;
    this.#halves.delete(id);
    const { message, said } = note;
    if (said.body.kind !== "file" || said.body.file.size !== content.size) {
      return this.#refuse(message, "the file came in another size than announced");
    }
    await this.#port.store.putFile(this.#peer, id, content);
    await this.#port.arrivals.keep(this.#peer, id, said);
    message.ack();
  }

  #half(id: string): Half | undefined {
    const known = this.#halves.get(id);
    if (known) return known;
    if (this.#halves.size >= MAX_FILES) return undefined;
    const half: Half = {};
    this.#halves.set(id, half);
    return half;
  }
}

/** Bytes of one part of a file that arrives. */
const PART = 4_194_304;

/** Streams are async iterable in few browsers. */
async function* iterate(readable: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = readable.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    reader.releaseLock();
  }
}
