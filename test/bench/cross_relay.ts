/**
 * What a frame costs two nodes when its peers are at different ones, beside one node that
 * has both: microseconds of processor, both nodes' together, and how many times as much.
 * The two take turns, so that a noisy machine is noisy for both; medians are printed.
 *
 *     npx tsx test/bench/cross_relay.ts [rounds] [milliseconds] [bun|deno|node]
 */
import process from "node:process";
import { generateIdentity } from "../../src/identity/identity.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { dialling, publishOf, type TestPeer, until } from "../rendezvous/peers.ts";
import { connect } from "../rendezvous/runtime.ts";
import type { RuntimeName } from "../runtimes.ts";
import { type Lane, measure, server } from "./lanes.ts";
import { median, takeTurns } from "./statistics.ts";

const count = Number(process.argv[2] ?? 7);
const duration = Number(process.argv[3] ?? 700);
const runtime = (process.argv[4] ?? "bun") as RuntimeName;
const SHAPES = [[64, 1], [64, 16], [1_024, 1], [1_024, 16], [16_384, 1]] as const;
const TOKEN = crypto.randomUUID();
/** Milliseconds a record lives at most (protocol rule 3), which bounds the benchmark. */
const LIFETIME = 299_000;

/** A peer that other nodes find at this one. */
async function meet(url: string): Promise<TestPeer> {
  const identity = await generateIdentity();
  const instance = new Uint8Array(16).fill(1);
  const started = Date.now();
  const changes = { instance, started, expires: started + LIFETIME };
  const peer = await dialling(url, connect, {
    identity,
    instance,
    started,
    early: async (hello) => [await publishOf({ identity }, [hello.node], changes)],
  });
  await until(() => peer.isReady);
  return peer;
}

function lane(name: string, a: TestPeer, b: TestPeer, children: Lane["children"]): Lane {
  const lane: Lane = {
    name,
    children,
    send: (message) => void a.session.sendBatch(message),
    frame: (payload) => encodeData(b.key, payload),
    arrived: 0,
  };
  b.data = () => void lane.arrived++;
  return lane;
}

const one = await server(runtime, "mesh_node.ts", runtime, TOKEN);
const other = await server(runtime, "mesh_node.ts", runtime, TOKEN, one.url);
const near = lane("one node", await meet(one.url), await meet(one.url), [one.child]);
const far = lane("two nodes", await meet(one.url), await meet(other.url), [one.child, other.child]);
await new Promise((resolve) => setTimeout(resolve, 2_000)); // the nodes have met and told each other
for (const [size, burst] of SHAPES) {
  const samples = await takeTurns([near, far], count, (each) => measure(each, size, burst, duration));
  const [here, across] = [near, far].map((each) =>
    median(samples.get(each)!.map(({ microsecondsPerFrame }) => microsecondsPerFrame))
  ) as [number, number];
  const [rate, rateAcross] = [near, far].map((each) =>
    Math.round(median(samples.get(each)!.map(({ framesPerSecond }) => framesPerSecond)))
  ) as [number, number];
  console.log(JSON.stringify({
    payload: size,
    burst,
    "one node µs/frame": Number(here.toFixed(2)),
    "two nodes µs/frame": Number(across.toFixed(2)),
    times: Number((across / here).toFixed(2)),
    "one node frames/s": rate,
    "two nodes frames/s": rateAcross,
  }));
}
for (const { child } of [one, other]) child.kill("SIGKILL");
process.exit(0);
