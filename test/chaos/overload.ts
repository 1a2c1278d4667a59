/**
 * `npx tsx test/chaos/overload.ts [RUNTIME] [TIMES] [SECONDS]`: a node whose processor is capped is offered a
 * multiple of what it can carry, by peers that keep to no flow control, while links talk through it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Actor } from "../examples/actor.ts";
import type { RuntimeName } from "../runtimes.ts";
import { CURRENT } from "./builds.ts";
import { capProcessor } from "./limits_of.ts";
import type { Flooded, FloodOrder } from "./overload_flood.ts";
import type { Spoken } from "./overload_links.ts";

/** Of one core: so little that one process beside it can offer ten times of what it carries. */
const SHARE = 0.1;
const PAIRS = 8;
const LINKS = 5;

export interface Overload {
  runtime: RuntimeName;
  /** Frames a second: the node's best, what was offered, what arrived of it. */
  peak: number;
  offered: number;
  goodput: number;
  /** Words of established links before, and meanwhile. */
  calm: Spoken;
  loaded: Spoken;
  failures: string[];
}

export async function overload(runtime: RuntimeName, times: number, seconds: number): Promise<Overload> {
  const folder = mkdtempSync(join(tmpdir(), "waymeet-overload-"));
  const words = ["serve", "--port", "0", "--key", join(folder, "node.pem"), "--json", "--log-level", "error"];
  const node = new Actor(`node on ${runtime}`, runtime, CURRENT.cli, words);
  const at = String((await node.event("ready"))["url"]);
  const links = new Actor("links", "node", url("./overload_links.ts"), [at, String(LINKS)]);
  const flood = new Actor("flood", "node", url("./overload_flood.ts"), [at, String(PAIRS)]);
  await Promise.all([links.event("ready"), flood.event("ready")]);
  const uncap = capProcessor(node.pid, SHARE);
  try {
    const milliseconds = seconds * 1_000;
    await flooding(flood, { milliseconds });
    const best = await flooding(flood, { milliseconds });
    const peak = best.arrived / best.seconds;
    await ask(links, "spoken");
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const calm = await ask(links, "spoken") as unknown as Spoken;
    const much = await flooding(flood, { rate: times * peak, milliseconds });
    const loaded = await ask(links, "spoken") as unknown as Spoken;
    const failures = links.told.filter(({ event }) => event === "failed").map(({ why }) => String(why));
    if (node.ended) failures.push("the node ended");
    const { offered, arrived } = much;
    return {
      runtime,
      peak,
      offered: offered / much.seconds,
      goodput: arrived / much.seconds,
      calm,
      loaded,
      failures,
    };
  } finally {
    uncap();
    await Promise.all([node, links, flood].map((actor) => actor.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function flooding(flood: Actor, order: FloodOrder): Promise<Flooded> {
  const since = flood.told.length;
  flood.order({ ...order });
  return await flood.event("flooded", since) as unknown as Flooded;
}

async function ask(actor: Actor, event: string): Promise<Record<string, unknown>> {
  const since = actor.told.length;
  actor.order({});
  return await actor.event(event, since);
}

function url(file: string): string {
  return new URL(file, import.meta.url).href;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [runtime = "bun", times = "10", seconds = "6"] = process.argv.slice(2);
  console.log(JSON.stringify(await overload(runtime as RuntimeName, Number(times), Number(seconds))));
  process.exit(0);
}
