/** What a connection costs that has proved itself and is silent: resident memory of each relay's process. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, field, type Row } from "./bench.ts";
import { residentSize } from "./machine.ts";
import type { Opponent, Running } from "./opponents/opponent.ts";

/** Connections before the first look: they load and compile code, which is no cost of a connection. */
const WARM = 200;
/** Handshakes at once. */
const ABREAST = 25;
/** Milliseconds for collectors of garbage to have been by. */
const REST = 5_000;

/** Opens so many connections. */
export function connectMany(opponent: Opponent, relay: Running, count: number): Promise<{ close(): void }[]> {
  return openMany(() => opponent.idle(relay), count);
}

export async function openMany(
  openOne: () => Promise<{ close(): void }>,
  count: number,
): Promise<{ close(): void }[]> {
  const open: { close(): void }[] = [];
  let left = count;
  const one = async () => {
    while (left-- > 0) open.push(await openOne());
  };
  await Promise.all(Array.from({ length: ABREAST }, one));
  return open;
}

async function measured(opponent: Opponent, count: number): Promise<Row> {
  const relay = await opponent.start("idle");
  const open = await connectMany(opponent, relay, WARM);
  await sleep(REST);
  const before = residentSize(relay.pid);
  open.push(...await connectMany(opponent, relay, count));
  const peak = residentSize(relay.pid);
  await sleep(REST);
  const after = residentSize(relay.pid);
  for (const each of open) each.close();
  relay.stop();
  const each = (now: number) => Number(((now - before) / count).toFixed(2));
  return {
    relay: opponent.name,
    connections: count,
    "KiB each": each(after),
    "KiB each at once": each(peak),
  };
}

export const memory: Bench = {
  about: "resident memory of each relay for one idle connection",
  async run({ count, only }, tell) {
    const { taking, ...rest } = field(only);
    const rows: Row[] = [];
    for (const opponent of taking) {
      tell(`memory: ${opponent.name}`);
      rows.push(await measured(opponent, count));
    }
    const chart = {
      title: "Resident memory for one idle connection (shorter is better)",
      unit: "KiB",
      groups: [{
        label: `${count} connections`,
        bars: rows.map((row) => ({ name: String(row.relay), value: Math.max(0, Number(row["KiB each"])) })),
      }],
    };
    return { ...rest, rows, chart, notes: NOTES };
  },
};

const NOTES: string[] = [
  `KiB each: after ${
    REST / 1000
  } s of silence; at once: as soon as all were there, garbage of the handshakes included.`,
  "waymeet's process runs Bun's collector every second, since an idle process may leave garbage lying; the others decide for themselves.",
];
