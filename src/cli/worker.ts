/**
 * One of the nodes that share a port: what it is told by the process above it, and what becomes of
 * its options.
 *
 * @module
 */
import process from "node:process";
import { Hono } from "hono";
import { laneIn } from "../../edge/lane.ts";
import type { NodeApp } from "../rendezvous/bindings.ts";
import { mergedMetrics } from "../rendezvous/merged_metrics.ts";
import type { ServeOptions } from "../rendezvous/serve.ts";
import type { ServeChoices } from "./serve_options.ts";

/** Which worker a process is, and where each of them is reached by the others. */
export interface Assignment {
  index: number;
  /** Ports of 127.0.0.1. */
  inner: readonly number[];
  /** The mesh's secret. */
  token: string;
  /** The directory of their lane, if there is one. */
  lane?: string;
}

/** Milliseconds for a sibling's numbers: one that is stuck is left out. */
const PATIENCE = 1_000;

export function assign(assignment: Assignment): Record<string, string> {
  return { WAYMEET_WORKER: JSON.stringify(assignment) };
}

/** `undefined`: this process is no worker. */
export function assignment(): Assignment | undefined {
  const text = process.env["WAYMEET_WORKER"];
  return text === undefined ? undefined : JSON.parse(text) as Assignment;
}

/**
 * The choices of one worker: a key of its own, and a mesh with the others, in which nobody is told an
 * address of it, since none leads to it from elsewhere. One of them answers STUN.
 */
export function workerChoices(choices: ServeChoices, { index, inner, token }: Assignment): ServeChoices {
  const siblings = inner.filter((_, other) => other !== index).map((port) => `ws://127.0.0.1:${port}`);
  return {
    ...choices,
    json: true,
    logFormat: choices.logFormat ?? (choices.json ? "json" : "text"),
    meshToken: token,
    meshUrl: ["none"],
    join: [...siblings, ...choices.join ?? []],
    ...index === 0 ? {} : { stun: false },
  };
}

/** `node.pem` of the first, `node-2.pem` of the second. */
export function workerKey(path: string, { index }: Assignment): string {
  return index === 0 ? path : path.replace(/(\.pem)?$/, `-${index + 1}$1`);
}

/** What the node is started with beside its choices. */
export function workerOptions({ index, inner, lane }: Assignment): Partial<ServeOptions> {
  const addresses = inner.map((port) => `127.0.0.1:${port}`);
  return {
    sharedPort: true,
    inner: { host: "127.0.0.1", port: inner[index]! },
    lane: lane === undefined ? undefined : laneIn(lane, addresses[index]!, addresses),
    dashboard: false,
    within: (meet) => oneSetOfMetrics(meet, { index, inner }),
  };
}

/** `/metrics` of any worker is that of all; `/metrics/worker` its own. */
function oneSetOfMetrics(
  meet: Hono<NodeApp>,
  { index, inner }: Pick<Assignment, "index" | "inner">,
): Hono<NodeApp> {
  const own = () => meet.request("/metrics");
  return new Hono<NodeApp>()
    .get("/metrics/worker", own)
    .get("/metrics", async (c) => {
      const response = await own();
      if (!response.ok) return response;
      const pages = await Promise.all(
        inner.map((port, other) => other === index ? response.text() : pageOf(port)),
      );
      const known = pages.flatMap((page, other) =>
        page === undefined ? [] : [[String(other + 1), page] as const]
      );
      return c.body(mergedMetrics(new Map(known)), 200, Object.fromEntries(response.headers));
    })
    .route("/", meet);
}

async function pageOf(port: number): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    return await (await fetch(`http://127.0.0.1:${port}/metrics/worker`, { signal })).text();
  } catch {
    return undefined;
  }
}

/** Resolves when the process above is gone: its end of our input is closed then. */
export function orphaned(): Promise<void> {
  return new Promise((resolve) => void process.stdin.once("end", resolve).once("close", resolve).resume());
}
