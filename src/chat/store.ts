/**
 * Where a chat keeps what must outlive its page: the port, and a store in memory.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { type Contact, type DeliveryStatus, type Entry, isPending, type Recipient } from "./types.ts";

/**
 * What changed: contacts, or the entries of one room. `outbox`: there is something new to send, or
 * less to send, by a person's wish and not by what was sent.
 */
export type Change =
  | { what: "contacts" }
  | { what: "entries"; room: string; outbox: boolean }
  | { what: "profile" };

/** Every promise resolves once the change is durable. */
export interface ChatStore {
  name(): Promise<string>;
  setName(name: string): Promise<void>;
  /** Names of the groups this person is in. */
  groups(): Promise<string[]>;
  setGroups(names: string[]): Promise<void>;
  contacts(): Promise<Contact[]>;
  contact(peer: PeerId): Promise<Contact | undefined>;
  putContact(contact: Contact): Promise<void>;
  /** The latest `limit` entries of a room in their order; of all that come before `before` when given. */
  entries(room: string, limit: number, before?: number): Promise<Entry[]>;
  /** False when an entry of that author and id is there already: it is left as it was. */
  add(entry: Entry): Promise<boolean>;
  has(from: PeerId, id: string): Promise<boolean>;
  /** Own entries of which something still has to leave, in their order. */
  outbox(): Promise<Entry[]>;
  /** Changes what is known of one recipient of an own entry, unless it stands at one of `unless`. */
  settle(id: string, from: PeerId, recipient: Recipient, unless?: readonly DeliveryStatus[]): Promise<void>;
  /** Everything in a room was seen by a person. */
  see(room: string): Promise<void>;
  /** How many entries of each room nobody has seen. */
  unseen(): Promise<Map<string, number>>;
  putFile(from: PeerId, id: string, content: Blob): Promise<void>;
  file(from: PeerId, id: string): Promise<Blob | undefined>;
  /** Calls `listener` after each change, whoever of the tabs made it. Returns the way to stop. */
  watch(listener: (change: Change) => void): () => void;
  close(): void;
}

/** The key of an entry: an id is its author's to choose, so it is only unique with the author. */
export function entryKey(from: PeerId, id: string): string {
  return `${from}/${id}`;
}

/** `entry` with one recipient changed; `undefined` when that stays as it is. */
export function settled(
  entry: Entry | undefined,
  recipient: Recipient,
  unless: readonly DeliveryStatus[] = [],
): Entry | undefined {
  const known = entry?.to.find(({ peer }) => peer === recipient.peer);
  // What is stored over there stays so, whatever this side hears later.
  if (!entry || !known || known.status === "delivered" || unless.includes(known.status)) return undefined;
  return { ...entry, to: entry.to.map((one) => one === known ? recipient : one) };
}

/** Whether that change of a recipient is a person's: to give up, to send again, or a refusal. */
export function isReconsidered(before: Entry, after: Entry): boolean {
  const failed = ({ to }: Entry) => to.filter(({ status }) => status === "failed").length;
  return failed(before) !== failed(after);
}

/** A store that ends with the page. */
export class MemoryStore implements ChatStore {
  #name = "";
  #groups: string[] = [];
  readonly #contacts = new Map<PeerId, Contact>();
  readonly #entries = new Map<string, Entry>();
  readonly #files = new Map<string, Blob>();
  readonly #listeners = new Set<(change: Change) => void>();
  #order = 0;

  name(): Promise<string> {
    return Promise.resolve(this.#name);
  }
  setName(name: string): Promise<void> {
    this.#name = name;
    return this.#changed({ what: "profile" });
  }
  groups(): Promise<string[]> {
    return Promise.resolve(this.#groups);
  }
  setGroups(names: string[]): Promise<void> {
    this.#groups = names;
    return this.#changed({ what: "profile" });
  }
  contacts(): Promise<Contact[]> {
    return Promise.resolve([...this.#contacts.values()]);
  }
  contact(peer: PeerId): Promise<Contact | undefined> {
    return Promise.resolve(this.#contacts.get(peer));
  }
  putContact(contact: Contact): Promise<void> {
    this.#contacts.set(contact.peer, contact);
    return this.#changed({ what: "contacts" });
  }
  entries(room: string, limit: number, before: number = Infinity): Promise<Entry[]> {
    const all = [...this.#entries.values()].filter((one) => one.room === room && one.order! < before);
    return Promise.resolve(all.slice(-limit));
  }
  add(entry: Entry): Promise<boolean> {
    const key = entryKey(entry.from, entry.id);
    if (this.#entries.has(key)) return Promise.resolve(false);
    this.#entries.set(key, { ...entry, order: ++this.#order });
    return this.#changed({ what: "entries", room: entry.room, outbox: isPending(entry) }).then(() => true);
  }
  has(from: PeerId, id: string): Promise<boolean> {
    return Promise.resolve(this.#entries.has(entryKey(from, id)));
  }
  outbox(): Promise<Entry[]> {
    return Promise.resolve([...this.#entries.values()].filter(isPending));
  }
  settle(id: string, from: PeerId, recipient: Recipient, unless?: readonly DeliveryStatus[]): Promise<void> {
    const before = this.#entries.get(entryKey(from, id));
    const entry = settled(before, recipient, unless);
    if (!entry) return Promise.resolve();
    this.#entries.set(entryKey(from, id), entry);
    return this.#changed({ what: "entries", room: entry.room, outbox: isReconsidered(before!, entry) });
  }
  see(room: string): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (entry.room === room && !entry.seen) this.#entries.set(key, { ...entry, seen: true });
    }
    return this.#changed({ what: "entries", room, outbox: false });
  }
  unseen(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { room, seen } of this.#entries.values()) {
      if (!seen) counts.set(room, (counts.get(room) ?? 0) + 1);
    }
    return Promise.resolve(counts);
  }
  putFile(from: PeerId, id: string, content: Blob): Promise<void> {
    this.#files.set(entryKey(from, id), content);
    return Promise.resolve();
  }
  file(from: PeerId, id: string): Promise<Blob | undefined> {
    return Promise.resolve(this.#files.get(entryKey(from, id)));
  }
  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.#listeners.clear();
  }

  #changed(change: Change): Promise<void> {
    for (const listener of this.#listeners) listener(change);
    return Promise.resolve();
  }
}
