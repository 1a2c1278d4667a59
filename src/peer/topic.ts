import { type PeerId, peerIdBytes } from "../identity/peer_id.ts";
import { checkDeadline, type Link } from "../link/link.ts";
import type { Message } from "../link/message.ts";
import type { Delivery } from "../link/outgoing.ts";
import type { Posted } from "../link/posted.ts";
import type { PostOptions } from "../link/posts.ts";
import { Queue } from "../link/queue.ts";
import type { Clock } from "../session/clock.ts";
import { Emitter } from "../session/emitter.ts";
import type { TopicKey } from "../wire/announcement.ts";
import { compareBytes } from "../wire/cbor.ts";
import { WaymeetError } from "../wire/error.ts";
import type { Key } from "../wire/protocol.ts";
import { Membership } from "./membership.ts";

/** Milliseconds that a broadcast gives each member unless told otherwise. */
const DEADLINE = 10_000;
/** Members dialled at once. */
const DIALS = 16;
/** Bytes of messages that nobody has read, after which new ones are dropped. */
const MAX_UNREAD = 16_777_216;

export interface TopicEvents {
  join: { peer: PeerId };
  leave: { peer: PeerId };
  /** The node does not take this peer's announcement any more: others will no longer see it. */
  refused: { error: WaymeetError };
}

export interface BroadcastOptions {
  /** Milliseconds within which a member must have the message. Default 10,000. */
  deadline?: number;
  signal?: AbortSignal;
}

/** What a broadcast came to, member by member. */
export type Broadcast = ReadonlyMap<PeerId, Delivery | WaymeetError>;

/** What a topic needs of its peer. */
export interface TopicHost {
  clock: Clock;
  key: Key;
  dial(peer: PeerId, signal: AbortSignal | undefined): Promise<Link>;
  /** Posts on the link that there is. */
  post(peer: PeerId, data: Uint8Array, options: PostOptions): Posted | undefined;
  /** Takes the announcement back. */
  left(topic: Topic): void;
}

/**
 * A place where peers meet that know its name: who is there comes as events, what they
 * broadcast by iterating.
 *
 * Of a topic with more than 64 others each peer is shown, and broadcasts to, 64 at random.
 *
 * @example
 * ```ts ignore
 * await using topic = await peer.join("tea");
 * topic.addEventListener("join", ({ peer }) => console.log("hello", peer));
 * await topic.broadcast("hello, everybody");
 * for await (const message of topic) console.log(message.from, message.text());
 * ```
 */
export class Topic extends Emitter<TopicEvents> implements AsyncIterable<Message>, AsyncDisposable {
  readonly name: string;
  /** The public key that name and secret make, as text: all that a node sees of them. */
  readonly id: string;
  readonly #host: TopicHost;
  readonly #key: TopicKey;
  readonly #membership = new Membership();
  readonly #messages = new Queue<Message>();
  readonly #links = new Map<PeerId, Promise<Link>>();
  readonly #dialling: (() => void)[] = [];
  #free = DIALS;
  #unread = 0;
  #cancel: (() => void) | undefined;
  #left: Promise<void> | undefined;
  /** Messages dropped because earlier ones were not read. */
  missed = 0;
  /** Members that the node knew when it last told, this peer among them. */
  size = 1;

  /** Topics come from `Peer.join`. */
  constructor(name: string, key: TopicKey, host: TopicHost) {
    super();
    this.name = name;
    this.id = key.identity.id;
    this.#key = key;
    this.#host = host;
  }

  /** Other peers that are here now, as far as they are shown. */
  get members(): ReadonlySet<PeerId> {
    return this.#membership.members;
  }

  /**
   * Sends a message to each member over a link, which is dialled if need be, and resolves
   * with what became of it: delivered, or why not. Rejects only for a message that is none,
   * a deadline that is no time, or once this peer has left.
   */
  async broadcast(data: Uint8Array | string, options: BroadcastOptions = {}): Promise<Broadcast> {
    if (this.#left) throw new TypeError("this peer has left the topic: join it again");
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw new TypeError("a message is a Uint8Array or a string");
    }
    checkDeadline(options.deadline);
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const sent = [...this.members].map(async (peer) =>
      [peer, await this.#send(peer, bytes, options)] as const
    );
    return new Map(await Promise.all(sent));
  }

  /** What members broadcast, until this peer leaves. Two iterations share the messages. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    const iterator: AsyncIterator<Message, undefined> = {
      next: () => this.#messages.next(this, iterator),
      return: () => {
        this.#messages.leave(iterator);
        return Promise.resolve({ value: undefined, done: true });
      },
    };
    return iterator;
  }

  /** Leaves: the others are told, and links that served only this topic are closed. */
  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #leave(): Promise<void> {
    this.#cancel?.();
    this.#host.left(this);
    this.#messages.end();
    await Promise.all([...this.#links.values()].map((link) => link.then((open) => open.close(), () => {})));
  }

  // Sending.

  async #send(peer: PeerId, data: Uint8Array, options: BroadcastOptions): Promise<Delivery | WaymeetError> {
    const { deadline = DEADLINE, signal } = options;
    const until = this.#host.clock.now() + deadline;
    try {
      await this.#inTime(this.#link(peer), deadline, peer);
      const left = Math.max(1, until - this.#host.clock.now());
      const tag = this.#key.proof(this.#host.key, peerIdBytes(peer));
      const posted = this.#host.post(peer, data, { deadline: left, signal, tag });
      return await (posted?.delivered ?? Promise.reject(gone(peer)));
    } catch (error) {
      if (error instanceof WaymeetError) return error;
      throw error;
    }
  }

  async #inTime<T>(promise: Promise<T>, deadline: number, peer: PeerId): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#host.clock.after(
        deadline,
        () => reject(new WaymeetError("timeout", `no link within ${deadline} ms`, { peer })),
      );
    });
    return await Promise.race([promise, late]).finally(cancel);
  }

  /** The link of this topic with a member: one handle, dialled when first needed. */
  #link(peer: PeerId): Promise<Link> {
    const known = this.#links.get(peer);
    if (known) return known;
    const dialled = this.#dial(peer);
    const forget = () => this.#links.get(peer) === dialled && this.#links.delete(peer);
    dialled.then((link) => link.closed ? forget() : link.addEventListener("close", forget), forget);
    this.#links.set(peer, dialled);
    return dialled;
  }

  async #dial(peer: PeerId): Promise<Link> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#dialling.push(resolve));
    try {
      return await this.#host.dial(peer, undefined);
    } finally {
      const next = this.#dialling.shift();
      if (next) next();
      else this.#free++;
    }
  }

  // What arrives.

  /** Whether the proof is that of a member. */
  proves(from: Key, tag: Uint8Array): boolean {
    return compareBytes(this.#key.proof(from, this.#host.key), tag) === 0;
  }

  said(message: Message): void {
    const { length } = message.data;
    if (this.#unread > 0 && this.#unread + length > MAX_UNREAD) return void this.missed++;
    this.#unread += length;
    this.#messages.push(message, () => this.#unread -= length);
  }

  // What the nodes say.

  roster(peers: readonly PeerId[], size: number): void {
    this.size = size;
    for (const peer of this.#membership.roster(peers, this.#host.clock.now())) this.emit("join", { peer });
    this.#wait();
  }

  member(peer: PeerId, present: boolean): void {
    const changed = present ? this.#membership.came(peer) : this.#membership.left(peer);
    if (!changed) return;
    this.size += present ? 1 : -1;
    if (present) this.emit("join", { peer });
    else this.#gone(peer);
  }

  refused(error: WaymeetError): void {
    this.emit("refused", { error });
  }

  /** The node that spoke is lost. */
  unheard(): void {
    this.#membership.unheard();
    this.#wait();
  }

  #wait(): void {
    this.#cancel?.();
    const { due } = this.#membership;
    if (due === undefined) return;
    this.#cancel = this.#host.clock.after(Math.max(0, due - this.#host.clock.now()), () => {
      for (const peer of this.#membership.waited(this.#host.clock.now())) this.#gone(peer);
      this.#wait();
    });
  }

  #gone(peer: PeerId): void {
    this.emit("leave", { peer });
    const link = this.#links.get(peer);
    this.#links.delete(peer);
    link?.then((open) => open.close(), () => {});
  }
}

function gone(peer: PeerId): WaymeetError {
  return new WaymeetError("closed", "the link with that member ended", { peer });
}
