/**
 * What a handshake costs a relay: processor time for one connection from TCP to "you are in",
 * beside what waymeet's cannot do without: one verification with a key never seen before, one
 * signature, and the bare upgrade of a WebSocket; and the check that such a key is of prime order,
 * which the others do not make.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";
import { type Bench, field, type Row } from "./bench.ts";
import { processorTime } from "./machine.ts";
import { openMany } from "./memory.ts";
import type { Opponent, Running } from "./opponents/opponent.ts";
import { type Summary, summary, takeTurns } from "./statistics.ts";

/**
 * Handshakes before the first that counts: they compile code, which is no cost of a handshake. Bun's compilers are at
 * it until each function has run some thousand times: a sixth of what the 1,501st and the next cost was theirs.
 */
const WARM = 12_000;
/** Of them at once: a process may have so many files open. */
const LOT = 1_000;

type Subject = { name: string; cost(count: number): Promise<number> };

function admission(opponent: Opponent, relay: Running): Subject {
  return {
    name: opponent.name,
    async cost(count) {
      const openOne = await opponent.newcomers?.(relay, count) ?? (() => opponent.idle(relay));
      const before = processorTime(relay.pid);
      const open = await openMany(openOne, count);
      const spent = processorTime(relay.pid) - before;
      for (const each of open) each.close();
      return spent / count;
    },
  };
}

/** In a process of the runtime that waymeet's node has here. */
function part(name: string, ...words: string[]): Subject {
  return {
    name,
    cost(count) {
      const [bun, ...args] = runtimes().find(({ name }) => name === "bun")!.command;
      const script = fileURLToPath(new URL("signatures.ts", import.meta.url));
      const { stdout } = spawnSync(bun!, [...args, script, String(count), ...words], { encoding: "utf8" });
      return Promise.resolve(Number(stdout));
    },
  };
}

const PARTS: Subject[] = [part("signatures"), part("key check", "checks")];

export const handshakes: Bench = {
  about: "CPU of each relay for one handshake, beside the signatures it holds",
  async run({ rounds, count, only }, tell) {
    const { taking, ...rest } = field(only);
    const relays = new Map<Opponent, Running>();
    for (const opponent of taking) relays.set(opponent, await opponent.start("relay"));
    const subjects = [...[...relays].map(([opponent, relay]) => admission(opponent, relay)), ...PARTS];
    const each = Math.max(1, Math.floor(count / rounds));
    for (const subject of subjects) await warmUp(subject);
    tell(`handshakes: ${each} in each of ${rounds} rounds`);
    const samples = await takeTurns(subjects, rounds, (subject) => subject.cost(each));
    for (const relay of relays.values()) relay.stop();
    const costs = [...samples].map(([{ name }, list]) => ({ name, ...summary(list) }));
    return { ...rest, rows: rowsOf(costs), notes: NOTES };
  },
};

/** Parts do it themselves: each sample of theirs is a process of its own. */
async function warmUp(subject: Subject): Promise<void> {
  if (PARTS.includes(subject)) return;
  for (let made = 0; made < WARM; made += LOT) await subject.cost(LOT);
}

type Cost = Summary & { name: string };

export function rowsOf(costs: Cost[]): Row[] {
  const of = (name: string) => costs.find((cost) => cost.name === name)?.median;
  const [bare, signing, check, ours] = [of("bare"), of("signatures"), of("key check"), of("waymeet")];
  const rows = costs.map(({ name, median, low, high }) => ({
    handshake: name,
    "CPU µs": Math.round(median),
    quartiles: `${Math.round(low)}–${Math.round(high)}`,
    "per s and core": Math.round(1e6 / median),
  }));
  if (bare === undefined || signing === undefined || ours === undefined) return rows;
  const least = bare + signing;
  const ratios = [ratio("waymeet ÷ (bare + signatures)", ours / least)];
  if (check !== undefined) {
    ratios.push(ratio("waymeet ÷ (bare + signatures + key check)", ours / (least + check)));
  }
  return [...rows, ...ratios];
}

function ratio(name: string, value: number): Row {
  return { handshake: name, "CPU µs": Number(value.toFixed(2)), quartiles: "", "per s and core": "" };
}

const NOTES: string[] = [
  "bare: TCP and the upgrade alone. signatures: import of a key, one verification, one signature; key check: that a key never met is of prime order, which the protocol asks for and keeps in mind. Both as waymeet's node does them on Bun.",
  "waymeet's dialers have their keys ready and do not verify what the node says, so that it is the node that is busy: one that waits for dialers between two steps costs a third more for each.",
  "nats-server proves nothing here; derper opens one sealed box; iroh-relay verifies one signature and makes none.",
];
