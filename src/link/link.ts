import type { PeerId } from "../identity/peer_id.ts";
import { Emitter } from "../session/emitter.ts";
import type { LinkPath } from "./carriage.ts";
import { MAX_LABEL, MAX_SIZE } from "./limits.ts";
import { Message, messageId } from "./message.ts";
import type { Delivery } from "./outgoing.ts";
import type { Posted } from "./posted.ts";
import type { Queue } from "./queue.ts";
import type { LinkListener, SharedLink } from "./shared_link.ts";
import type { LinkStream } from "./stream.ts";

export type { LinkPath } from "./carriage.ts";

/** How a link ended. */
export interface LinkEnd {
  /** `local`: this program; `remote`: the other side; `timeout`: no sign of it. */
  by: "local" | "remote" | "timeout";
  reason: string;
}

export interface SendOptions {
  /** Milliseconds within which the message must be delivered; `0`: fail at once when the peer is away. Default: as long as the link lives. */
  deadline?: number;
  signal?: AbortSignal;
  /** Also ask to hear when the application there called `message.ack()`. */
  asks?: boolean;
  /** 32 hex digits, for an application that stores messages and sends one again after a restart of its own. */
  id?: string;
  /** Called after each change of the message's status. */
  onStatus?: (posted: Posted) => void;
}

/** What a link tells beside messages and streams. */
export interface LinkEvents {
  /** `connected` changed. */
  presence: { connected: boolean };
  /** Packets travel by another path now, or for another reason. */
  path: { path: LinkPath };
  /** A new process answers for the peer; undelivered messages go to it, streams are broken. */
  restart: Record<never, never>;
  close: LinkEnd;
}

/**
 * An end-to-end encrypted conversation with one peer: messages arrive once and in
 * order while both processes live, whatever happens to nodes and networks between.
 *
 * A link is a handle: `dial` of one peer twice gives two handles of one conversation,
 * which ends when the last is closed. Iterating a link yields its messages.
 *
 * @example
 * ```ts ignore
 * await link.send("hello"); // resolves when the other process has it
 * for await (const message of link) console.log(message.text());
 * ```
 */
export class Link extends Emitter<LinkEvents> implements AsyncIterable<Message>, AsyncDisposable {
  readonly peer: PeerId;
  readonly #shared: SharedLink;
  readonly #listener: LinkListener;
  readonly #release: (link: Link, text: string) => Promise<void>;
  #closed: Promise<void> | undefined;
  /** What the last `presence` event said, or the handle began with. */
  #told: boolean;

  /** Links come from `Peer.dial` and the `link` event. */
  constructor(shared: SharedLink, release: (link: Link, text: string) => Promise<void>) {
    super();
    this.peer = shared.peer;
    this.#shared = shared;
    this.#release = release;
    this.#listener = {
      presence: () => this.#tell(),
      path: () => this.emit("path", { path: this.path }),
      restarted: () => {
        this.#tell();
        this.emit("restart", {});
      },
      ended: ({ by, text }) => {
        this.#tell();
        this.emit("close", { by, reason: text });
      },
    };
    shared.listeners.add(this.#listener);
    this.#told = this.connected;
  }

  /**
   * Whether the other process is known to be there: keys are agreed, the node session
   * is up, no node says that the peer left, and it has answered lately (within 13 s
   * when nothing was said, within about a second while messages are under way).
   */
  get connected(): boolean {
    return this.#closed === undefined && this.#shared.connection.connected;
  }

  /** Whether this handle, or the link under it, is closed. */
  get closed(): boolean {
    return this.#closed !== undefined || this.#shared.end !== undefined;
  }

  /** How packets travel now, and why. */
  get path(): LinkPath {
    return this.#shared.carriage.path;
  }

  /** Resolves once the other process has answered; rejects when the link ends before (`rejected`, `timeout`, …). */
  get opened(): Promise<void> {
    return this.#shared.opened;
  }

  /**
   * Sends a message of at most 16 MiB. Resolves when the other process has it. The
   * bytes are not copied: leave them alone until then.
   *
   * Rejects with a `WaymeetError`: `absent` (deadline 0 and nobody there), `timeout`,
   * `aborted`, `too-large`, `closed`, `rejected`. After `timeout` and `aborted` the
   * message may still arrive if some of it had left.
   *
   * Also rejects with a `TypeError` when `data` is no message or this handle is closed.
   */
  async send(data: Uint8Array | string | Message, options: SendOptions = {}): Promise<Delivery> {
    return await this.post(data, options).delivered;
  }

  /** As {@link send}, but returns the message with its status at once. */
  post(data: Uint8Array | string | Message, options: SendOptions = {}): Posted {
    this.#check();
    const bytes = bytesOf(data);
    const id = idOf(options.id);
    checkDeadline(options.deadline);
    return this.#shared.post(bytes, { ...options, id });
  }

  /** Messages in order, until the link ends. Two iterations share them: each message goes to one. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#iterate(this.#shared.messages);
  }

  /**
   * Opens a byte stream, both ways, beside the messages.
   *
   * @throws {RangeError} when the label is longer than 256 bytes or 256 streams are open.
   */
  openStream({ label = "" }: { label?: string } = {}): LinkStream {
    this.#check();
    if (new TextEncoder().encode(label).length > MAX_LABEL) {
      throw new RangeError(
        `a stream's label has at most ${MAX_LABEL} bytes: send the rest through the stream`,
      );
    }
    return this.#shared.openStream(label);
  }

  /** Streams that the other side opens. */
  get streams(): AsyncIterable<LinkStream> {
    return { [Symbol.asyncIterator]: () => this.#iterate(this.#shared.streams) };
  }

  /** Milliseconds to the other process and back, through everything between. */
  ping({ signal }: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#shared.ping(signal);
  }

  /**
   * Closes this handle; the last one ends the link once everything sent has been
   * acknowledged, at most 5 s later. What was not acknowledged by then is rejected.
   * `reason` (at most 256 bytes) is told to the other side.
   */
  close(reason: string = ""): Promise<void> {
    this.#closed ??= this.#finish(reason);
    return this.#closed;
  }

  async #finish(reason: string): Promise<void> {
    this.#shared.messages.leave(this);
    this.#shared.streams.leave(this);
    await this.#release(this, reason);
    this.#shared.listeners.delete(this.#listener);
  }

  #tell(): void {
    const connected = this.connected;
    if (connected === this.#told) return;
    this.#told = connected;
    this.emit("presence", { connected });
  }

  #check(): void {
    if (this.#closed) throw new TypeError("this handle of the link was closed: dial the peer again");
  }

  #iterate<T>(queue: Queue<T>): AsyncIterator<T, undefined> {
    const done = { value: undefined, done: true } as const;
    let left = false;
    const iterator: AsyncIterator<T, undefined> = {
      next: () => left || this.#closed ? Promise.resolve(done) : queue.next(this, iterator),
      return: () => {
        left = true;
        queue.leave(iterator);
        return Promise.resolve(done);
      },
    };
    return iterator;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function bytesOf(data: Uint8Array | string | Message): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof Message) return data.data;
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`a message is a Uint8Array, a string or a received Message of up to ${MAX_SIZE} bytes`);
}

function idOf(text: string | undefined): Uint8Array | undefined {
  const id = text === undefined ? undefined : messageId(text);
  if (text !== undefined && !id) {
    throw new TypeError("a message id is 32 lower-case hex digits, as in message.id");
  }
  return id;
}

/** @throws {RangeError} when `deadline` is longer than a timer can be, or no time at all. */
export function checkDeadline(deadline: number | undefined): void {
  if (deadline !== undefined && !(deadline >= 0 && deadline <= 0x7fff_ffff)) {
    throw new RangeError(`a deadline is 0 … ${0x7fff_ffff} milliseconds from now, not ${deadline}`);
  }
}
