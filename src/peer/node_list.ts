/**
 * Which nodes a peer may have its sessions with: those of its own configuration, and those
 * that nodes told it of.
 *
 * A node may tell what it likes. One that names only its friends would, if that were believed,
 * soon hold all sessions of a peer, see everybody it talks with, and let nobody find it (an
 * eclipse). So one of a peer's two places is always kept for a node of its own configuration
 * (protocol rule 18), even while no such node answers.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { MAX_NODES } from "../wire/limits.ts";
import { isLoopbackUrl, sessionUrl } from "../session/session_url.ts";

/** Nodes that turned this peer away for good and are not taken from others' lips again. */
const MAX_REFUSED = 64;
/** URLs whose parts are remembered: nodes tell the same ones again with every change among them. */
const MAX_READ = 4 * MAX_NODES;

/** What a URL is: where it leads, alike for every spelling, unless no peer may go there; and whether to this machine. */
interface Read {
  readonly place: string | undefined;
  readonly near: boolean;
}

export interface NodeListOptions {
  /** URLs of the configuration, in order of preference. */
  own: readonly string[];
  /** Whether others are learned. */
  learn: boolean;
  id: PeerId;
  /** Below 1, at least 0: who is learned is tried in no particular order, so that a node's peers spread when it dies. */
  random: () => number;
}

export class NodeList {
  readonly #o: NodeListOptions;
  #own: readonly string[];
  /** What each configured node said last, by its URL: one liar does not displace what the others say. */
  readonly #told = new Map<string, readonly string[]>();
  /** What nodes said that were themselves learned, latest first. */
  #hearsay: readonly string[] = [];
  #refused: readonly string[] = [];
  /** Where the nodes of the configuration are. */
  readonly #ownPlaces: ReadonlySet<string | undefined>;
  readonly #read = new Map<string, Read>();

  constructor(options: NodeListOptions) {
    this.#o = options;
    this.#own = options.own;
    this.#ownPlaces = new Set(options.own.map((url) => this.#reading(url).place));
  }

  /** How many there are, or were before they turned this peer away. */
  get size(): number {
    return new Set([this.#o.own, ...this.#told.values(), this.#hearsay].flat()).size;
  }

  /** Whether a node of the configuration is left. */
  get anyOwn(): boolean {
    return this.#own.length > 0;
  }

  isOwn(url: string): boolean {
    return this.#own.includes(url);
  }

  /** Where a session may be while the other one is, or is being dialled, at `other`; in order of preference. */
  candidates(other: string | undefined): string[] {
    const learned = other !== undefined && this.isOwn(other) ? this.#learned() : [];
    return [...this.#own, ...learned].filter((url) => url !== other);
  }

  /** The node at `teller` names others. */
  learn(teller: string, urls: readonly string[]): void {
    if (!this.#o.learn || urls.length === 0) return;
    const fit = this.#shuffled(urls.slice(0, MAX_NODES).flatMap((url) => this.#fit(url, teller) ?? []));
    if (this.isOwn(teller)) this.#told.set(teller, fit);
    else this.#hearsay = [...new Set([...fit, ...this.#hearsay])].slice(0, MAX_NODES);
  }

  /** That node turned this peer away for good. */
  refuse(url: string): void {
    this.#own = this.#own.filter((own) => own !== url);
    this.#told.delete(url);
    this.#refused = [...this.#refused, url].slice(-MAX_REFUSED);
  }

  /** That URL leads to a node which has a session already; until somebody names it again. */
  forget(url: string): void {
    for (const [teller, urls] of this.#told) this.#told.set(teller, urls.filter((each) => each !== url));
    this.#hearsay = this.#hearsay.filter((each) => each !== url);
  }

  #learned(): string[] {
    const all = new Set([...this.#told.values(), this.#hearsay].flat());
    return [...all].filter((url) => !this.#refused.includes(url));
  }

  /**
   * A URL that may be dialled on a node's word: with TLS to its own name, or on this machine if
   * the node is here, too. Otherwise a distant node could have peers knock at ports of their own
   * machine, or speak where everybody on the line can take the session over.
   */
  #fit(url: string, teller: string): string | undefined {
    const { place, near } = this.#reading(url);
    if (place === undefined || this.#ownPlaces.has(place)) return undefined;
    return near && !this.#reading(teller).near ? undefined : url;
  }

  #reading(url: string): Read {
    const known = this.#read.get(url);
    if (known) return known;
    if (this.#read.size >= MAX_READ) this.#read.clear(); // strangers may name ever new ones
    const read = { place: placeOf(url, this.#o.id), near: URL.canParse(url) && isLoopbackUrl(url) };
    this.#read.set(url, read);
    return read;
  }

  #shuffled(urls: string[]): string[] {
    return urls.map((url) => ({ url, key: this.#o.random() })).sort((a, b) => a.key - b.key).map(({ url }) =>
      url
    );
  }
}

/** Never ws: to other machines, whatever the options say. */
function placeOf(url: string, id: PeerId): string | undefined {
  try {
    return sessionUrl(url, id, false).url;
  } catch {
    return undefined; // a stranger's URL, not this program's
  }
}
