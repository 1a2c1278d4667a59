/**
 * What a frame costs two nodes when its peers are at different ones, beside one node that
 * has both: microseconds of processor, both nodes' together, and how many times as much; the
 * same of two nodes that NATS joins, where there is a `nats-server`, and what that takes itself.
 * They take turns, so that a noisy machine is noisy for all; medians are printed.
 *
 *     npx tsx test/bench/cross_relay.ts [rounds] [milliseconds] [bun|deno|node]
 */
import process from "node:process";
import { generateIdentity } from "../../src/identity/identity.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { dialling, publishOf, type TestPeer, until } from "../rendezvous/peers.ts";
import { connect } from "../rendezvous/runtime.ts";
import type { RuntimeName } from "../runtimes.ts";
import { NatsServers } from "../nats_servers.ts";
import { type Lane, measure, server } from "./lanes.ts";
import { program } from "./opponents/process.ts";
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

/** Two nodes that NATS joins, without and with what the server of NATS takes. */
async function natsLanes(servers: NatsServers): Promise<Lane[]> {
  for (let i = 0; i < 2; i++) {
    joined.push(await server(runtime, "mesh_node.ts", runtime, TOKEN, ...servers.urls));
  }
  const [here, there] = joined as [Running, Running];
  const nodes = [here.child, there.child];
  return [
    lane("NATS", await meet(here.url), await meet(there.url), nodes),
    lane("NATS and its server", await meet(here.url), await meet(there.url), [...nodes, ...servers.children]),
  ];
}

type Running = Awaited<ReturnType<typeof server>>;
const joined: Running[] = [];
const one = await server(runtime, "mesh_node.ts", runtime, TOKEN);
const other = await server(runtime, "mesh_node.ts", runtime, TOKEN, one.url);
const near = lane("one node", await meet(one.url), await meet(one.url), [one.child]);
const far = lane("two nodes", await meet(one.url), await meet(other.url), [one.child, other.child]);
const nats = program("nats-server") === undefined ? undefined : await NatsServers.start(1);
const lanes = [near, far, ...nats ? await natsLanes(nats) : []];
await new Promise((resolve) => setTimeout(resolve, 2_000)); // the nodes have met and told each other
for (const [size, burst] of SHAPES) {
  const samples = await takeTurns(lanes, count, (each) => measure(each, size, burst, duration));
  const medianOf = (lane: Lane, of: "microsecondsPerFrame" | "framesPerSecond") =>
    median(samples.get(lane)!.map((sample) => sample[of]));
  const here = medianOf(near, "microsecondsPerFrame");
  const line: Record<string, number> = { payload: size, burst };
  for (const lane of lanes) {
    const cost = medianOf(lane, "microsecondsPerFrame");
    line[`${lane.name} µs/frame`] = Number(cost.toFixed(2));
    if (lane !== near) line[`${lane.name} times`] = Number((cost / here).toFixed(2));
    line[`${lane.name} frames/s`] = Math.round(medianOf(lane, "framesPerSecond"));
  }
  console.log(JSON.stringify(line));
}
nats?.close();
for (const { child } of joined) child.kill("SIGKILL");
for (const { child } of [one, other]) child.kill("SIGKILL");
process.exit(0);
