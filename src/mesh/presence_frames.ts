/** Presence in frames that fit. */
import { encodePresence } from "../wire/frames.ts";
import { MAX_CHANGES, MAX_CONTROL, MAX_ITEMS } from "../wire/limits.ts";
import type { PresenceDelta, PresenceEntry } from "../wire/mesh_protocol.ts";
import type { OriginTable } from "./presence_table.ts";

/** Bytes of a frame without entries at most: kind, a key, three integers, the heads of two lists. */
const HEAD = 1 + 1 + 34 + 3 * 9 + 3 + 3;
/** CBOR items of a frame without entries: itself, five elements, the two lists. */
const HEAD_ITEMS = 8;
/** Bytes of an entry without body and signature at most: its head, an integer, a key; and how long it holds. */
const ENTRY = 1 + 9 + 34 + 5;

/**
 * Everything that `table` has to tell after `from`, in frames whose ranges join. Each
 * ends at a change, so a transfer cut off between any two goes on there.
 */
export function* deltas(table: OriginTable, from: number, now: number): Generator<PresenceDelta> {
  const { key: origin, epoch, version } = table;
  let [entries, size, items]: [PresenceEntry[], number, number] = [[], HEAD, HEAD_ITEMS];
  for (const entry of table.since(from, now)) {
    const [more, moreItems] = [entrySize(entry), entryItems(entry)];
    const full = size + more > MAX_CONTROL || items + moreItems > MAX_ITEMS;
    if (full || entries.length === MAX_CHANGES) {
      const to = entries.at(-1)!.version;
      yield { kind: "presence", origin, epoch, from, to, entries };
      [entries, size, items, from] = [[], HEAD, HEAD_ITEMS, to];
    }
    entries.push(entry);
    size += more;
    items += moreItems;
  }
  yield { kind: "presence", origin, epoch, from, to: version, entries };
}

/** Whether a frame keeps to the limits of bytes and items. */
export function fits({ entries }: PresenceDelta): boolean {
  const size = entries.reduce((sum, entry) => sum + entrySize(entry), HEAD);
  const items = entries.reduce((sum, entry) => sum + entryItems(entry), HEAD_ITEMS);
  return size <= MAX_CONTROL && items <= MAX_ITEMS;
}

function entrySize({ record, topics = [] }: PresenceEntry): number {
  const announced = topics.reduce((size, bytes) => size + 3 + bytes.length, topics.length > 0 ? 1 : 0);
  return ENTRY + announced + (record ? 3 + record.body.length + 2 + record.signature.length : 2);
}

/** The entry, its four elements, how long it holds, and the list of its topics. */
function entryItems({ topics }: PresenceEntry): number {
  return 6 + (topics ? 1 + topics.length : 0);
}

/** Bytes of a presence frame on the wire: what one change costs each session that it crosses. */
export function wireBytes(delta: PresenceDelta): number {
  return encodePresence(delta).length;
}
