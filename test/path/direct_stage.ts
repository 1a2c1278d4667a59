/**
 * A node and two peers as programs of their own, inside a network namespace that
 * `direct.slow.test.ts` made: writes what happened as one line of JSON.
 * `direct_stage.ts RUNTIME RUNTIME [kill]`.
 */
import process from "node:process";
import { serve } from "../../edge/node.ts";
import { Actor } from "./actor.ts";
import { ADDRESS } from "./namespace.ts";

const [first, second, how] = process.argv.slice(2) as [string, string, string | undefined];
const node = await serve({ host: ADDRESS, port: 0, access: { kind: "open" }, names: "any" });
const url = `ws://${ADDRESS}:${node.port}`;
const answering = new Actor(first, url, "echo");
const id = (await answering.until(({ id }) => id !== undefined))?.id as string;
const dialling = new Actor(second, url, "dial", id);
dialling.say("first");
const relayed = await dialling.until(({ heard }) => heard === 1);
const direct = await dialling.until(({ path }) => path === "direct", how === "relay" ? 3_000 : 12_000);
const both = await answering.until(({ path }) => path === "direct", how === "relay" ? 100 : 5_000);
dialling.say("second");
const after = await dialling.until(({ delivered }) => delivered === "second");
await dialling.until(({ heard }) => heard === 2);

let noticed: number | undefined;
if (how === "kill") {
  const killed = performance.now();
  const before = dialling.lines.length;
  answering.process.kill("SIGKILL");
  const gone = await dialling.until(
    (line) => line.path === "relay" && dialling.lines.indexOf(line) >= before,
    10_000,
  );
  if (gone) noticed = performance.now() - killed;
} else answering.close();
const closing = performance.now();
dialling.close();
const ends = await Promise.race([
  Promise.all([answering.exited, dialling.exited]),
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 15_000)),
]);
const exits = ends?.map(({ code, signal }) => signal ?? code);
if (!ends) { for (const { process } of [answering, dialling]) process.kill("SIGKILL"); }
const metrics = /^waymeet_attempts_total\{outcome="connected"\} (\d+)$/m.exec(node.node.metricsText())?.[1];
const result = {
  relayed: relayed !== undefined,
  direct,
  both: both !== undefined,
  after,
  noticed,
  exits,
  lasted: Math.round(performance.now() - closing),
  connected: Number(metrics),
  last: dialling.lines.at(-1),
  paths: dialling.lines.filter(({ path, why }) => path && why),
};
console.log(JSON.stringify(result));
await node.stop({ graceMs: 100 });
process.exit(0);
