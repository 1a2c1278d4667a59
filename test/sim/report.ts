/** What a run found, as data and as a table. */
import type { Convergence } from "./convergence.ts";
import type { Faults } from "./faults.ts";
import type { Hostile } from "./hostile.ts";
import type { Ledger } from "./ledger.ts";
import type { RunOptions } from "./run.ts";
import type { Watch } from "./watch.ts";
import type { World } from "./world.ts";

/** Milliseconds. */
export interface Spread {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

export interface Report {
  seed: number;
  nodes: number;
  peers: number;
  virtualMinutes: number;
  /** Real seconds. */
  seconds: number;
  /** Seconds of a processor. */
  cpuSeconds: number;
  events: number;
  /** Of everything that travelled, in its order: the same for the same seed. */
  digest: string;
  messages: { sent: number; arrived: number; latency: Spread; rejected: Record<string, number> };
  faults: Record<string, number>;
  lies: Record<string, number>;
  refusals: Record<string, number>;
  convergence: Record<string, Spread>;
  healed: number | null;
  presence: { changes: number; framesPerChange: number; bytesPerChange: number };
  framesBetweenNodes: Record<string, { frames: number; bytes: number }>;
  mostHops: number;
  recordsChecked: number;
  /** What must not have happened. Empty: the seed passed. */
  violations: string[];
}

export interface Findings {
  world: World;
  options: RunOptions;
  ledger: Ledger;
  convergence: Convergence;
  faults: Faults;
  watch: Watch;
  hostile: Hostile;
  healed: number | undefined;
  seconds: number;
  cpuSeconds: number;
}

/** Names of the kinds of frames that nodes exchange; see `src/wire/protocol.ts`. */
const KINDS: Record<number, string> = {
  1: "forward",
  5: "bye",
  6: "ping",
  7: "pong",
  16: "greet",
  17: "members",
  18: "probe",
  19: "probe-ack",
  20: "presence",
  21: "digest",
  22: "edges",
  23: "undelivered",
};
const PRESENCE = 20;

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function reportOf(findings: Findings): Report {
  const { world, options, ledger, convergence, seconds } = findings;
  const { trace } = world;
  const { changes, refusals } = nodesOf(world);
  const { frames, bytes } = trace.meshFrames.get(PRESENCE) ?? { frames: 0, bytes: 0 };
  return {
    seed: options.seed,
    nodes: options.nodes,
    peers: options.peers,
    virtualMinutes: world.now / 60_000,
    seconds,
    cpuSeconds: findings.cpuSeconds,
    events: world.timeline.steps,
    digest: trace.digest,
    messages: {
      sent: ledger.sent,
      arrived: ledger.arrivals,
      latency: spread(ledger.latencies),
      rejected: Object.fromEntries(ledger.rejections),
    },
    faults: Object.fromEntries(findings.faults.counts),
    lies: Object.fromEntries(findings.hostile.told),
    refusals,
    convergence: {
      ...Object.fromEntries(Object.entries(convergence.calm).map(([kind, took]) => [kind, spread(took)])),
      "amid faults": spread(convergence.troubled),
    },
    healed: findings.healed ?? null,
    presence: { changes, framesPerChange: frames / changes, bytesPerChange: bytes / changes },
    framesBetweenNodes: Object.fromEntries(
      [...trace.meshFrames].map(([kind, count]) => [KINDS[kind] ?? `kind ${kind}`, count]),
    ),
    mostHops: trace.mostHops,
    recordsChecked: findings.watch.recordsChecked,
    violations: ledger.faults,
  };
}

/** Changes that the nodes wrote in their present lives, and what they refused. */
function nodesOf(world: World): { changes: number; refusals: Record<string, number> } {
  let changes = world.written;
  const refusals: Record<string, number> = {};
  for (const { node, identity } of world.stations) {
    const status = node.meshStatus()!;
    changes += status.presence.origins.find(({ origin }) => origin === identity.id)?.version ?? 0;
    for (const [why, count] of Object.entries(status.refusals)) refusals[why] = (refusals[why] ?? 0) + count;
  }
  return { changes, refusals };
}

const list = (counts: Record<string, number>) =>
  Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ") || "none";

/** For people. */
export function tableOf(report: Report): string {
  const { messages: { sent, arrived, latency, rejected }, presence, convergence } = report;
  const rows: [string, string][] = [
    ["seed", `${report.seed}: ${report.nodes} nodes, ${report.peers} peers, digest ${report.digest}`],
    [
      "time",
      `${report.virtualMinutes.toFixed(1)} virtual minutes in ${report.seconds.toFixed(1)} s (${
        report.cpuSeconds.toFixed(1)
      } s of a processor), ${report.events} events`,
    ],
    ["messages", `${sent} sent, ${arrived} arrived; ${spreadText(latency)}; rejected: ${list(rejected)}`],
    ["faults", list(report.faults)],
    ["lies told", list(report.lies)],
    ["refused", list(report.refusals)],
    ...Object.entries(convergence).map((
      [kind, times],
    ): [string, string] => [`known: ${kind}`, spreadText(times)]),
    [
      "healed",
      report.healed === null ? "no" : `all agreed ${Math.round(report.healed)} ms after a partition ended`,
    ],
    [
      "presence",
      `${presence.changes} changes, ${presence.framesPerChange.toFixed(2)} frames and ${
        Math.round(presence.bytesPerChange)
      } bytes each`,
    ],
    [
      "node to node",
      list(
        Object.fromEntries(Object.entries(report.framesBetweenNodes).map(([k, { frames }]) => [k, frames])),
      ),
    ],
    ["most hops", `${report.mostHops}`],
    ["violations", report.violations.join("\n             ") || "none"],
  ];
  return rows.map(([name, text]) => `${name.padEnd(18)} ${text}`).join("\n");
}

function spreadText({ count, p50, p99, max }: Spread): string {
  return count === 0 ? "–" : `p50 ${p50}, p99 ${p99}, max ${max} ms of ${count}`;
}
