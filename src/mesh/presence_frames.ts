/** Presence in frames that fit. */
import { encodePresence } from "../wire/frames.ts";
import { MAX_CHANGES, MAX_CONTROL } from "../wire/limits.ts";
import type { PresenceDelta, PresenceEntry } from "../wire/mesh_protocol.ts";
import type { OriginTable } from "./presence_table.ts";

/** Bytes of a frame without entries at most: kind, a key, three integers, the list's head. */
const HEAD = 1 + 1 + 34 + 3 * 9 + 3;
/** Bytes of an entry without body and signature at most: its head, an integer, a key. */
const ENTRY = 1 + 9 + 34;

/**
 * Everything that `table` has to tell after `from`, in frames whose ranges join. Each
 * ends at a change, so a transfer cut off between any two goes on there.
 */
export function* deltas(table: OriginTable, from: number): Generator<PresenceDelta> {
  const { key: origin, epoch, version } = table;
  let [entries, size]: [PresenceEntry[], number] = [[], HEAD];
  for (const entry of table.since(from)) {
    const more = entrySize(entry);
    if (size + more > MAX_CONTROL || entries.length === MAX_CHANGES) {
      const to = entries.at(-1)!.version;
      yield { kind: "presence", origin, epoch, from, to, entries };
      [entries, size, from] = [[], HEAD, to];
    }
    entries.push(entry);
    size += more;
  }
  yield { kind: "presence", origin, epoch, from, to: version, entries };
}

/** Bytes of a frame on the wire, at most. */
export function deltaSize({ entries }: PresenceDelta): number {
  return entries.reduce((size, entry) => size + entrySize(entry), HEAD);
}

function entrySize({ record }: PresenceEntry): number {
  return ENTRY + (record ? 3 + record.body.length + 2 + record.signature.length : 2);
}

/** Bytes of a presence frame on the wire: what one change costs each session that it crosses. */
export function wireBytes(delta: PresenceDelta): number {
  return encodePresence(delta).length;
}
