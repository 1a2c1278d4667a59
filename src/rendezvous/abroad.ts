/**
 * Peers at other nodes with whom peers here have to do: found from the raw bytes of a
 * frame, and remembered with those who are told when they leave.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Place } from "../mesh/presence_types.ts";
import { KEY_SIZE } from "../wire/data_frame.ts";
import { encodeNotice } from "../wire/frames.ts";
import { Reason } from "../wire/protocol.ts";
import { Registry, type Seat } from "./registry.ts";
import type { Way } from "./way.ts";

/** Peers remembered; beyond, those go first that nobody here listens for, then the oldest. */
const MAX_FOREIGNERS = 20_000;

/** As much of a way as is needed here: to whom it leads first. */
export interface Lead {
  readonly link: { readonly remote: PeerId };
}

export class Foreigner<W extends Lead = Way> {
  readonly id: PeerId;
  readonly key: Uint8Array;
  next: Foreigner<W> | undefined;
  readonly listeners: Set<Seat> = new Set();
  /** The way to it, as found for the message of that number. */
  turn = -1;
  way: W | undefined;
  /** Its place in the batch that is being gathered, see `gather.ts`. */
  slot = 0;

  constructor(id: PeerId, key: Uint8Array) {
    this.id = id;
    this.key = key;
  }
}

/** As much of presence as is needed here. */
export interface Whereabouts {
  find(peer: PeerId): Place | undefined;
  watch(peer: PeerId): Place | undefined;
  unwatch(peer: PeerId): void;
}

export class Abroad<W extends Lead = Way> {
  readonly #presence: Whereabouts;
  readonly #most: () => number;
  readonly #byKey = new Registry<Foreigner<W>>();
  readonly #byId = new Map<PeerId, Foreigner<W>>();

  /** `most`: listeners remembered of one peer. */
  constructor(presence: Whereabouts, most: () => number) {
    this.#presence = presence;
    this.#most = most;
  }

  /** The peer whose key lies at `offset`; `undefined` when no node lists it. */
  find(message: Uint8Array, offset: number): Foreigner<W> | undefined {
    const known = this.#byKey.find(message, offset);
    if (known !== undefined) return known;
    const key = Uint8Array.from(message.subarray(offset, offset + KEY_SIZE)); // `slice` of a Buffer is no copy
    const id = peerIdText(key);
    return this.#presence.find(id) && this.#enter(new Foreigner<W>(id, key));
  }

  /** `seat` will be told when the peer is at no node any more. */
  listen(foreigner: Foreigner<W>, seat: Seat): void {
    const { listeners } = foreigner;
    if (listeners.has(seat)) return;
    if (listeners.size >= this.#most()) listeners.delete(listeners.values().next().value!);
    listeners.add(seat);
  }

  /** No node lists the peer any more. Returns how many were told. */
  left(peer: PeerId): number {
    const foreigner = this.#byId.get(peer);
    if (foreigner === undefined) return 0;
    this.#forget(foreigner);
    return tell(foreigner, Reason.gone);
  }

  /**
   * A neighbour died or fell silent: what was sent through it lately may be lost, and whoever
   * sends is told at once instead of waiting for answers in vain. Returns how many were told.
   */
  doubt(neighbour: PeerId): number {
    let told = 0;
    for (const foreigner of this.#byId.values()) {
      if (foreigner.way?.link.remote !== neighbour) continue;
      foreigner.way = undefined;
      foreigner.turn = -1;
      told += tell(foreigner, Reason.inDoubt);
    }
    return told;
  }

  /** Forgets listeners that left, and whom nobody listens for. */
  sweep(): void {
    for (const foreigner of this.#byId.values()) {
      for (const seat of foreigner.listeners) if (!seat.live) foreigner.listeners.delete(seat);
      if (foreigner.listeners.size === 0) this.#forget(foreigner);
    }
  }

  #enter(foreigner: Foreigner<W>): Foreigner<W> {
    if (this.#byId.size >= MAX_FOREIGNERS) this.sweep();
    if (this.#byId.size >= MAX_FOREIGNERS) this.#forget(this.#byId.values().next().value!);
    this.#byId.set(foreigner.id, foreigner);
    this.#byKey.add(foreigner);
    this.#presence.watch(foreigner.id);
    return foreigner;
  }

  #forget(foreigner: Foreigner<W>): void {
    this.#byId.delete(foreigner.id);
    this.#byKey.remove(foreigner);
    this.#presence.unwatch(foreigner.id);
  }
}

function tell({ key, listeners }: Pick<Foreigner, "key" | "listeners">, reason: Reason): number {
  const notice = encodeNotice(reason, key);
  const told = [...listeners].filter(({ live }) => live);
  for (const { session } of told) session.send(notice);
  return told.length;
}
