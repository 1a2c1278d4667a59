/**
 * Brings everything one other side is to have to it, in order, however long it is away:
 * what the store's outbox holds is sent, and ticked off when the other side has stored it.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Link } from "../link/link.ts";
import { WaymeetError } from "../wire/error.ts";
import { encodeMessage } from "./chat_message.ts";
import type { ChatStore } from "./store.ts";
import type { DeliveryStatus, Entry } from "./types.ts";

/** What a courier needs of the chat around it. */
export interface CourierPort {
  own: PeerId;
  store: ChatStore;
  /** The link with the other side, dialled when there is none; rejects when it is away. */
  link(peer: PeerId): Promise<Link>;
  /** Calls `run` after so many milliseconds. Returns the way to call it off. */
  after(delay: number, run: () => void): () => void;
  /** Bytes of a file that have left so far. */
  progress(id: string, sent: number): void;
}

/** Milliseconds until the next try, at first and at the most; a sign of the other side comes before. */
const RETRY_FIRST = 1_000;
const RETRY_LAST = 60_000;
/** Entries under way at once: more only wait in the link's queue. */
const ABREAST = 64;
/** What was given up, or refused, meanwhile stays so; nothing goes back from sent to sent. */
const STANDS: Partial<Record<DeliveryStatus, DeliveryStatus[]>> = {
  queued: ["failed"],
  sent: ["failed", "sent"],
  failed: ["failed"],
};
/** Reasons that no later try will change. */
const FINAL: ReadonlySet<string> = new Set(["too-large"]);

export class Courier {
  readonly peer: PeerId;
  readonly #port: CourierPort;
  /** Entries that the link has now, by id, and the way to take them back. */
  readonly #under = new Map<string, AbortController>();
  /** The link they are under way on: on another one all goes again, in order. */
  #link: Link | undefined;
  #running = false;
  #again = false;
  #ended = false;
  #wait = RETRY_FIRST;
  #timer: (() => void) | undefined;

  constructor(peer: PeerId, port: CourierPort) {
    this.peer = peer;
    this.#port = port;
  }

  /** Something is to be sent, or the other side has been seen: looks at once. */
  wake(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#again = true;
    if (!this.#running && !this.#ended) void this.#run();
  }

  /** The other side is there: what waited for it need not wait longer. */
  seen(): void {
    this.#wait = RETRY_FIRST;
    this.wake();
  }

  /**
   * Another process answers for the other side: what its predecessor held unstored goes again, and
   * before all that was to come after it.
   */
  restart(): void {
    this.#takeBack();
    this.seen();
  }

  end(): void {
    this.#ended = true;
    this.#timer?.();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again && !this.#ended) {
        this.#again = false;
        await this.#deliver();
      }
    } catch {
      this.#later();
    } finally {
      this.#running = false;
      if (this.#again && !this.#timer && !this.#ended) void this.#run();
    }
  }

  #later(): void {
    this.#again = false;
    this.#timer?.();
    this.#timer = this.#port.after(this.#wait, () => this.wake());
    this.#wait = Math.min(2 * this.#wait, RETRY_LAST);
  }

  async #deliver(): Promise<void> {
    // A link is dialled for what there is to send alone; one that is there costs nothing.
    if (this.#link?.closed !== false && (await this.#pending()).length === 0) return;
    const link = await this.#port.link(this.peer);
    if (link !== this.#link) this.#takeBack();
    this.#link = link;
    const name = await this.#port.store.name();
    const pending = await this.#pending();
    // From here on nothing waits: a restart of the other side that came between two entries would
    // have the second one overtake what goes again before it.
    for (const entry of pending) {
      if (this.#under.size >= ABREAST) return; // goes on when one of them arrives
      if (!this.#under.has(entry.id)) this.#send(link, name, entry);
    }
  }

  #concerns({ to }: Entry): boolean {
    const status = to.find(({ peer }) => peer === this.peer)?.status;
    return status === "queued" || status === "sent";
  }

  /** In order, what is under way among it. */
  async #pending(): Promise<Entry[]> {
    const pending = (await this.#port.store.outbox()).filter((entry) => this.#concerns(entry));
    // What a person has given up, or the other side refused, is not waited for any more.
    this.#takeBack(new Set(pending.map(({ id }) => id)));
    return pending;
  }

  /** What is under way is not any more, but for `kept`. */
  #takeBack(kept: ReadonlySet<string> = new Set()): void {
    for (const [id, taken] of this.#under) {
      if (kept.has(id)) continue;
      this.#under.delete(id);
      taken.abort();
    }
  }

  #send(link: Link, name: string, entry: Entry): void {
    const { id, at, body, room } = entry;
    const group = room.startsWith("#") ? room.slice(1) : "";
    const bytes = encodeMessage({ name, at, group, body });
    if (link.closed) throw new WaymeetError("closed", "the link ended before the message left");
    const taken = new AbortController();
    const posted = link.post(bytes, {
      id,
      asks: true,
      signal: taken.signal,
      onStatus: ({ status }) => status === "sent" && void this.#settle(entry, "sent"),
    });
    this.#under.set(id, taken);
    if (body.kind === "file") void this.#sendFile(link, entry);
    posted.processed.then(
      () => this.#arrived(entry),
      (error) => this.#under.get(id) === taken ? this.#broken(entry, error) : undefined,
    );
  }

  /** The content goes beside the note, in a stream of its own; the note is ticked when both are stored. */
  async #sendFile(link: Link, { id, from }: Entry): Promise<void> {
    const content = await this.#port.store.file(from, id);
    if (!content) return;
    try {
      const stream = link.openStream({ label: `file ${id}` });
      let sent = 0;
      const counted = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          controller.enqueue(chunk);
          this.#port.progress(id, sent += chunk.length);
        },
      });
      await content.stream().pipeThrough(counted).pipeTo(stream.writable);
    } catch {
      // The link ended, or they left the page: the note fails with it and both go again.
    }
  }

  async #arrived(entry: Entry): Promise<void> {
    this.#under.delete(entry.id);
    this.#wait = RETRY_FIRST;
    await this.#settle(entry, "delivered");
    this.wake();
  }

  async #broken(entry: Entry, error: Error): Promise<void> {
    this.#under.delete(entry.id);
    const code = error instanceof WaymeetError ? error.code : "";
    if (FINAL.has(code)) await this.#settle(entry, "failed", error.message);
    else {
      await this.#settle(entry, "queued");
      if (!this.#ended && !this.#timer) this.#later();
    }
  }

  async #settle(entry: Entry, status: DeliveryStatus, reason?: string): Promise<void> {
    const { own, store } = this.#port;
    const recipient = { peer: this.peer, status, ...(reason ? { reason } : {}) };
    await store.settle(entry.id, own, recipient, STANDS[status]);
  }
}
