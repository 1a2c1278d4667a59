/**
 * A chat's store in IndexedDB, one database for each identity. Tabs of one identity share
 * it and tell each other of changes over a BroadcastChannel.
 *
 * @module
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { PeerId } from "../identity/peer_id.ts";
import { type Change, type ChatStore, entryKey, isReconsidered, settled } from "./store.ts";
import { type Contact, type DeliveryStatus, type Entry, isPending, type Recipient } from "./types.ts";

/** An entry with what the indexes need. */
interface Row extends Entry {
  key: string;
  order: number;
  /** Only there while something has to leave: rows without it are in no such index. */
  pending?: 1;
  /** The room, only there while nobody has seen it. */
  fresh?: string;
}

interface Chat extends DBSchema {
  profile: { key: string; value: string | string[] };
  contacts: { key: string; value: Contact };
  entries: {
    key: number;
    value: Row;
    indexes: { key: string; room: [string, number]; pending: number; fresh: string };
  };
  files: { key: string; value: Blob };
}

type Database = IDBPDatabase<Chat>;
const DURABLE = { durability: "strict" } as const;

/** Opens, or makes, the store of the identity `peer`. */
export async function openDatabase(peer: PeerId): Promise<ChatStore> {
  const name = `waymeet-chat-${peer}`;
  const database = await openDB<Chat>(name, 1, {
    upgrade(fresh) {
      fresh.createObjectStore("profile");
      fresh.createObjectStore("contacts", { keyPath: "peer" });
      fresh.createObjectStore("files");
      const entries = fresh.createObjectStore("entries", { keyPath: "order", autoIncrement: true });
      entries.createIndex("key", "key", { unique: true });
      entries.createIndex("room", ["room", "order"]);
      entries.createIndex("pending", "pending");
      entries.createIndex("fresh", "fresh");
    },
  });
  return new DatabaseStore(database, new BroadcastChannel(name));
}

class DatabaseStore implements ChatStore {
  readonly #database: Database;
  readonly #tabs: BroadcastChannel;
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(database: Database, tabs: BroadcastChannel) {
    this.#database = database;
    this.#tabs = tabs;
    tabs.onmessage = ({ data }) => this.#tell(data as Change);
  }

  async name(): Promise<string> {
    return (await this.#database.get("profile", "name") ?? "") as string;
  }
  async setName(name: string): Promise<void> {
    await this.#database.put("profile", name, "name");
    this.#changed({ what: "profile" });
  }
  async groups(): Promise<string[]> {
    return (await this.#database.get("profile", "groups") ?? []) as string[];
  }
  async setGroups(names: string[]): Promise<void> {
    await this.#database.put("profile", names, "groups");
    this.#changed({ what: "profile" });
  }
  contacts(): Promise<Contact[]> {
    return this.#database.getAll("contacts");
  }
  contact(peer: PeerId): Promise<Contact | undefined> {
    return this.#database.get("contacts", peer);
  }
  async putContact(contact: Contact): Promise<void> {
    const transaction = this.#database.transaction("contacts", "readwrite", DURABLE);
    await Promise.all([transaction.store.put(contact), transaction.done]);
    this.#changed({ what: "contacts" });
  }

  async entries(room: string, limit: number, before: number = Infinity): Promise<Entry[]> {
    const { store } = this.#database.transaction("entries");
    const range = IDBKeyRange.bound([room, 0], [room, before], false, true);
    const found: Entry[] = [];
    let cursor = await store.index("room").openCursor(range, "prev");
    for (; cursor && found.length < limit; cursor = await cursor.continue()) found.push(cursor.value);
    return found.reverse();
  }
  async add(entry: Entry): Promise<boolean> {
    const { order: _, ...fields } = entry;
    const key = entryKey(entry.from, entry.id);
    const transaction = this.#database.transaction("entries", "readwrite", DURABLE);
    const known = await transaction.store.index("key").getKey(key);
    if (known === undefined) await transaction.store.add(row({ ...fields, key } as Row));
    await transaction.done;
    if (known === undefined) this.#changed({ what: "entries", room: entry.room, outbox: isPending(entry) });
    return known === undefined;
  }
  async has(from: PeerId, id: string): Promise<boolean> {
    return await this.#database.getKeyFromIndex("entries", "key", entryKey(from, id)) !== undefined;
  }
  async outbox(): Promise<Entry[]> {
    return (await this.#database.getAllFromIndex("entries", "pending"));
  }
  async settle(
    id: string,
    from: PeerId,
    recipient: Recipient,
    unless?: readonly DeliveryStatus[],
  ): Promise<void> {
    const transaction = this.#database.transaction("entries", "readwrite", DURABLE);
    const found = await transaction.store.index("key").get(entryKey(from, id));
    const entry = settled(found, recipient, unless);
    if (entry) await transaction.store.put(row(entry as Row));
    await transaction.done;
    if (entry) this.#changed({ what: "entries", room: entry.room, outbox: isReconsidered(found!, entry) });
  }
  async see(room: string): Promise<void> {
    const transaction = this.#database.transaction("entries", "readwrite");
    const fresh = await transaction.store.index("fresh").getAll(room);
    await Promise.all(fresh.map((entry) => transaction.store.put(row({ ...entry, seen: true }))));
    await transaction.done;
    if (fresh.length > 0) this.#changed({ what: "entries", room, outbox: false });
  }
  async unseen(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { room } of await this.#database.getAllFromIndex("entries", "fresh")) {
      counts.set(room, (counts.get(room) ?? 0) + 1);
    }
    return counts;
  }

  async putFile(from: PeerId, id: string, content: Blob): Promise<void> {
    const transaction = this.#database.transaction("files", "readwrite", DURABLE);
    await Promise.all([transaction.store.put(content, entryKey(from, id)), transaction.done]);
  }
  file(from: PeerId, id: string): Promise<Blob | undefined> {
    return this.#database.get("files", entryKey(from, id));
  }

  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.#listeners.clear();
    this.#tabs.close();
    this.#database.close();
  }

  #changed(change: Change): void {
    this.#tabs.postMessage(change);
    this.#tell(change);
  }
  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function row(entry: Row): Row {
  const { pending: _, fresh: __, ...rest } = entry;
  return {
    ...rest,
    ...(isPending(entry) ? { pending: 1 as const } : {}),
    ...(entry.seen ? {} : { fresh: entry.room }),
  };
}
