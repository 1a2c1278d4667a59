/**
 * The one tab's work of a chat: holds the peer, brings the outbox out and takes in what
 * comes. It knows the page's store and nothing of the page.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Link } from "../link/link.ts";
import type { Peer } from "../peer/peer.ts";
import type { Topic } from "../peer/topic.ts";
import type { Watch } from "../peer/watch.ts";
import { Arrivals } from "./arrivals.ts";
import { Courier } from "./courier.ts";
import { Incoming } from "./incoming.ts";
import type { Live } from "./live.ts";
import type { ChatStore } from "./store.ts";

export interface EngineOptions {
  peer: Peer;
  store: ChatStore;
  /** Tells what is true now. */
  live(edit: (live: Live) => void): void;
  /** The time, milliseconds since 1970. */
  wall?: () => number;
  /** Calls `run` after so many milliseconds. Returns the way to call it off. */
  after?: (delay: number, run: () => void) => () => void;
}

/** Milliseconds between two looks at the round trips. */
const LOOK_GAP = 3_000;

export class Engine {
  readonly #o: Required<EngineOptions>;
  readonly #peer: Peer;
  readonly #arrivals: Arrivals;
  readonly #couriers = new Map<PeerId, Courier>();
  /** The link of each other side, and the one that is being dialled. */
  readonly #links = new Map<PeerId, Link>();
  readonly #dialling = new Map<PeerId, Promise<Link>>();
  readonly #watches = new Map<PeerId, Watch>();
  /** Groups this person is in, or about to be, and the way out of each. */
  readonly #groups = new Map<string, AbortController>();
  readonly #ended = new AbortController();

  constructor(options: EngineOptions) {
    this.#o = { wall: Date.now, after: timer, ...options };
    this.#peer = options.peer;
    const isIn = (group: string) => this.#groups.has(group);
    this.#arrivals = new Arrivals(options.peer.id, options.store, this.#o.wall, isIn);
    this.#begin(this.#ended.signal);
  }

  /** Stops sending; what has not been delivered stays in the outbox. */
  end(): void {
    this.#ended.abort();
    for (const courier of this.#couriers.values()) courier.end();
    for (const watch of this.#watches.values()) watch.close();
  }

  #begin(signal: AbortSignal): void {
    this.#peer.addEventListener("link", ({ link }) => this.#attend(link), { signal });
    const stop = this.#o.store.watch((change) => {
      if (change.what === "entries" && change.outbox) void this.#dispatch();
      if (change.what === "contacts") void this.#meet();
      if (change.what === "profile") void this.#gather();
    });
    signal.addEventListener("abort", stop);
    void this.#dispatch();
    void this.#meet();
    void this.#gather();
    this.#lookAround();
  }

  /** Round trips change without an event. */
  #lookAround(): void {
    if (this.#ended.signal.aborted) return;
    for (const link of this.#links.values()) if (link.connected) this.#see(link);
    this.#o.after(LOOK_GAP, () => this.#lookAround());
  }

  /** Wakes the courier of everybody for whom something waits. */
  async #dispatch(): Promise<void> {
    for (const { to } of await this.#o.store.outbox()) {
      for (const { peer, status } of to) {
        if (status !== "queued" && status !== "sent") continue;
        this.#lookOut(peer);
        this.#courier(peer).wake();
      }
    }
  }

  /** Looks out for every contact, and for those whose answer is to come. */
  async #meet(): Promise<void> {
    for (const { peer, state } of await this.#o.store.contacts()) {
      if (state === "accepted" || state === "asked") this.#lookOut(peer);
    }
  }

  /** Greets somebody as soon as they are there: both see each other, and what waits goes out. */
  #lookOut(peer: PeerId): void {
    if (this.#watches.has(peer) || this.#ended.signal.aborted) return;
    const watch = this.#peer.watch(peer);
    this.#watches.set(peer, watch);
    watch.addEventListener("online", () => {
      this.#courier(peer).seen();
      if (!this.#links.has(peer)) this.#link(peer).catch(() => {}); // gone again: the watch tells when it is back
    });
  }

  #courier(peer: PeerId): Courier {
    const known = this.#couriers.get(peer);
    if (known) return known;
    const courier = new Courier(peer, {
      own: this.#peer.id,
      store: this.#o.store,
      link: (other) => this.#link(other),
      after: this.#o.after,
      progress: (id, bytes) => this.#o.live(({ progress }) => progress[id] = bytes),
    });
    this.#couriers.set(peer, courier);
    return courier;
  }

  // Links.

  #link(peer: PeerId): Promise<Link> {
    const link = this.#links.get(peer);
    if (link && !link.closed) return Promise.resolve(link);
    const dialling = this.#dialling.get(peer) ?? this.#dial(peer).finally(() => this.#dialling.delete(peer));
    this.#dialling.set(peer, dialling);
    return dialling;
  }

  async #dial(peer: PeerId): Promise<Link> {
    const link = await this.#peer.dial(peer, { signal: this.#ended.signal });
    this.#attend(link);
    return link;
  }

  /** One handle of each link is enough: a second one would only keep it from ending. */
  #attend(link: Link): void {
    const { peer } = link;
    const known = this.#links.get(peer);
    if (known && !known.closed) return void link.close();
    this.#links.set(peer, link);
    const look = () => this.#look(link);
    link.addEventListener("presence", look);
    link.addEventListener("path", look);
    link.addEventListener("restart", () => this.#courier(peer).restart());
    link.addEventListener("close", () => this.#left(link));
    void new Incoming(link, {
      store: this.#o.store,
      arrivals: this.#arrivals,
      wall: this.#o.wall,
      progress: (id, bytes) => this.#o.live(({ progress }) => progress[id] = bytes),
    }).run();
    look();
  }

  #look(link: Link): void {
    this.#see(link);
    if (link.connected) this.#courier(link.peer).seen();
  }

  #see({ peer, connected, path }: Link): void {
    this.#o.live(({ sights }) => sights[peer] = { online: connected, ...(connected ? { path } : {}) });
  }

  #left(link: Link): void {
    const { peer } = link;
    if (this.#links.get(peer) !== link) return;
    this.#links.delete(peer);
    this.#o.live(({ sights }) => sights[peer] = { online: false });
  }

  // Groups.

  /** Joins the groups of the store, and leaves those that are not there any more. */
  async #gather(): Promise<void> {
    const names = new Set(await this.#o.store.groups());
    for (const [name, group] of this.#groups) if (!names.has(name)) this.#leave(name, group);
    for (const name of names) if (!this.#groups.has(name)) this.#join(name);
  }

  #join(name: string): void {
    const group = new AbortController();
    this.#groups.set(name, group);
    const signal = AbortSignal.any([group.signal, this.#ended.signal]);
    this.#peer.join(name, { signal }).then((topic) => this.#attendGroup(name, topic, signal), () => {
      this.#groups.delete(name);
      if (!signal.aborted) this.#o.after(LOOK_GAP, () => void this.#gather()); // no node yet, or no room
    });
  }

  #attendGroup(name: string, topic: Topic, signal: AbortSignal): void {
    const show = () => this.#o.live(({ groups }) => groups[name] = [this.#peer.id, ...topic.members]);
    topic.addEventListener("join", show);
    topic.addEventListener("leave", show);
    signal.addEventListener("abort", () => void topic.leave());
    show();
  }

  #leave(name: string, group: AbortController): void {
    this.#groups.delete(name);
    group.abort();
    this.#o.live(({ groups }) => delete groups[name]);
  }
}

function timer(delay: number, run: () => void): () => void {
  const id = setTimeout(run, delay);
  return () => clearTimeout(id);
}
