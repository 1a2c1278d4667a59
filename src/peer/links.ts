import type { PeerId } from "../identity/peer_id.ts";
import { peerIdBytes } from "../identity/peer_id.ts";
import type { Candidate } from "../link/connection.ts";
import type { Greeting, OpenedInit, Remote } from "../link/greeting.ts";
import { Link } from "../link/link.ts";
import { type LinkOwner, SharedLink } from "../link/shared_link.ts";
import { Reason } from "../wire/protocol.ts";

/** A link and those who hold it. */
export interface HeldLink {
  shared: SharedLink;
  handles: Set<Link>;
}

/** The links of a peer, at most one with each other peer. */
export class Links {
  readonly #links = new Map<PeerId, HeldLink>();
  /** Dials under way. */
  readonly #dials = new Map<PeerId, number>();
  readonly #carrier: LinkOwner;
  readonly #isUp: () => boolean;
  readonly #begun: (link: Link) => void;

  /** `isUp`: whether packets can leave now; `begun`: somebody else began a link, and nobody here dials it. */
  constructor(
    carrier: Omit<LinkOwner, "superseded" | "ended">,
    isUp: () => boolean,
    begun: (link: Link) => void,
  ) {
    this.#isUp = isUp;
    this.#begun = begun;
    this.#carrier = {
      ...carrier,
      superseded: (shared, successor) => this.#succeed(shared, successor),
      ended: (shared) => this.#forget(shared),
    };
  }

  get(peer: PeerId): SharedLink | undefined {
    return this.#links.get(peer)?.shared;
  }

  get all(): SharedLink[] {
    return [...this.#links.values()].map(({ shared }) => shared);
  }

  /** One handle of each. */
  get handles(): ReadonlyMap<PeerId, Link> {
    const handles = new Map<PeerId, Link>();
    for (const [peer, held] of this.#links) {
      const [first] = held.handles;
      if (first) handles.set(peer, first);
    }
    return handles;
  }

  /** Another handle of the link with `peer`, if there is one that is not being closed. */
  join(peer: PeerId): Link | undefined {
    const held = this.#links.get(peer);
    return held && !held.shared.closing ? this.#hold(held) : undefined;
  }

  /** Resolves when no link with `peer` is being closed any more: two at once would take each other's packets. */
  async left(peer: PeerId): Promise<void> {
    for (let held = this.#links.get(peer); held?.shared.closing; held = this.#links.get(peer)) {
      await this.close(held.shared, "");
    }
  }

  /** A new link to the process that a verified record describes. */
  begin(peer: PeerId, record: Remote): Link {
    const held = this.#create(peer);
    held.shared.greet(record);
    return this.#hold(held);
  }

  /** A verified, fresh greeting: for the link there is, or for a new one. Returns the response packet. */
  welcome(peer: PeerId, greeting: Greeting, init: OpenedInit): Uint8Array | undefined {
    const known = this.#links.get(peer);
    if (known) return known.shared.greeted(greeting, init);
    const held = this.#create(peer);
    const packet = held.shared.greeted(greeting, init);
    this.#tell(held);
    return packet;
  }

  /**
   * A dial begins: a link that the other side begins meanwhile is what it gets, and no news. A program
   * that heard of it twice would read it in two loops, each with half of the messages. Call what is
   * returned when the dial is over.
   */
  dialling(peer: PeerId): () => void {
    this.#dials.set(peer, (this.#dials.get(peer) ?? 0) + 1);
    return () => {
      const left = this.#dials.get(peer)! - 1;
      if (left > 0) return void this.#dials.set(peer, left);
      this.#dials.delete(peer);
      const held = this.#links.get(peer);
      if (held && held.handles.size === 0 && !held.shared.closing) this.#tell(held);
    };
  }

  /** Ends a link politely; resolves when it has ended. */
  close(shared: SharedLink, text: string): Promise<void> {
    if (shared.end) return Promise.resolve();
    return new Promise((resolve) => {
      shared.listeners.add({ presence() {}, path() {}, restarted() {}, ended: () => resolve() });
      shared.close(text);
    });
  }

  #create(peer: PeerId): HeldLink {
    const held = { shared: new SharedLink(this.#carrier, peer, peerIdBytes(peer)), handles: new Set<Link>() };
    this.#links.set(peer, held);
    held.shared.setPath(this.#isUp());
    return held;
  }

  #hold({ shared, handles }: HeldLink): Link {
    const link = new Link(shared, async (closing, text) => {
      handles.delete(closing);
      if (handles.size === 0) await this.close(shared, text);
    });
    handles.add(link);
    return link;
  }

  #succeed(shared: SharedLink, successor: Candidate): void {
    shared.abort(Reason.linkClosed, "the other side began anew");
    const held = this.#create(shared.peer);
    held.shared.succeed(successor);
    this.#tell(held);
  }

  #tell(held: HeldLink): void {
    if (!this.#dials.has(held.shared.peer)) this.#begun(this.#hold(held));
  }

  #forget(shared: SharedLink): void {
    if (this.#links.get(shared.peer)?.shared === shared) this.#links.delete(shared.peer);
  }
}
