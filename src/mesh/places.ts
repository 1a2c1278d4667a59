/**
 * Where nodes may be found before the mesh is: the operator's list, the records of a
 * domain, and nodes met in earlier days. None of it is ever given up: who was parted for
 * long, and forgotten as a member, is found again.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { FRESH, type ReconnectState } from "../session/reconnect.ts";
import { MAX_PLACES, MAX_PLACES_AT_ONCE } from "./mesh_limits.ts";

/** In order of precedence: a URL named by several belongs to the first. */
export const SOURCES = ["list", "dns", "remembered"] as const;
export type Source = (typeof SOURCES)[number];

export interface Spot {
  readonly url: string;
  /** Who has to answer there, if the source tells. */
  readonly expect?: PeerId | undefined;
  /** Who answered there before; another one may now. */
  readonly met?: PeerId;
}

export interface Place extends Spot {
  readonly source: Source;
  /** Who answered there last. */
  node: PeerId | undefined;
  /** Not before, monotonic milliseconds. */
  dueAt: number;
  backoff: ReconnectState;
  dialling: boolean;
}

/** What the places are judged by. */
export interface Surroundings {
  /** No session with any node stands. */
  readonly alone: boolean;
  /** A session with it stands. */
  joined(node: PeerId): boolean;
  /** It is a member, alive or dead, that is dialled as such. */
  lists(node: PeerId): boolean;
  /** Such a member names this URL. */
  listsUrl(url: string): boolean;
}

/**
 * The places of one node.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const places = new Places({ list: ["wss://a.example/"] });
 * places.learn("dns", [{ url: "wss://a.example" }, { url: "wss://b.example/" }]);
 * assert.deepEqual([...places].map(({ url, source }) => [url, source]), [
 *   ["wss://a.example/", "list"],
 *   ["wss://b.example/", "dns"],
 * ]);
 * ```
 */
export class Places {
  readonly #fixed: boolean;
  /** By source, then by URL as `URL.href` gives it. */
  readonly #places: Record<Source, Map<string, Place>> = {
    list: new Map(),
    dns: new Map(),
    remembered: new Map(),
  };
  /** URLs at which this node found itself. */
  readonly #own = new Set<string>();

  /** `fixed`: a session with each node of the list is kept, and nobody else is dialled. */
  constructor({ list, fixed = false }: { list: readonly string[]; fixed?: boolean }) {
    this.#fixed = fixed;
    for (const url of list) this.#add("list", { url });
  }

  *[Symbol.iterator](): IterableIterator<Place> {
    const seen = new Set<string>();
    for (const source of SOURCES) {
      for (const [url, place] of this.#places[source]) {
        if (!seen.has(url) && !this.#own.has(url)) yield place;
        seen.add(url);
      }
    }
  }

  /** What a source says now, best first. What it said before and does not say now is dropped, unless it is being dialled. */
  learn(source: Exclude<Source, "list">, spots: readonly Spot[]): void {
    if (this.#fixed) return;
    const before = this.#places[source];
    this.#places[source] = new Map();
    for (const spot of spots.slice(0, MAX_PLACES)) this.#add(source, spot, before);
    for (const [url, place] of before) {
      if (place.dialling && !this.#places[source].has(url)) this.#places[source].set(url, place);
    }
  }

  /** Those to dial now, best first. */
  due(around: Surroundings, now: number): Place[] {
    const { dns, remembered } = this.#places; // those that a better source hides are under way, too
    const busy = [...dns.values(), ...remembered.values()].filter(({ dialling }) => dialling).length;
    let room = MAX_PLACES_AT_ONCE - busy;
    return [...this].filter((place) => {
      if (place.dialling || now < place.dueAt || !this.#needs(place, around)) return false;
      return place.source === "list" || room-- > 0;
    });
  }

  /** This node itself answered there. */
  isOwn(url: string): boolean {
    return this.#own.has(href(url));
  }

  /** The oldest makes room: a liar may name ever new URLs of this node as another's, and each is dialled once. */
  foundMyself(url: string): void {
    if (this.#own.size >= MAX_PLACES) this.#own.delete(this.#own.values().next().value!);
    this.#own.add(href(url));
  }

  #needs({ source, node, expect, url }: Place, around: Surroundings): boolean {
    const who = node ?? expect;
    if (who !== undefined && around.joined(who)) return false;
    if (this.#fixed || around.alone) return true;
    if (source === "list" && node === undefined) return true;
    return who === undefined ? !around.listsUrl(href(url)) : !around.lists(who);
  }

  #add(source: Source, { url, expect, met }: Spot, before?: ReadonlyMap<string, Place>): void {
    const key = href(url);
    const known = before?.get(key);
    const place = known?.expect === expect ? known : undefined;
    const fresh = { url, source, expect, node: met, dueAt: 0, backoff: FRESH, dialling: false };
    this.#places[source].set(key, place ?? fresh);
  }
}

function href(url: string): string {
  return new URL(url).href;
}
