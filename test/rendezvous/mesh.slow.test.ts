// runtimes: node
// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, it } from "node:test";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { type Program, Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";

const stage = new Stage("node");
after(() => stage.close());

async function node(name: string, port: number, seed: number): Promise<Program> {
  const program = stage.start(
    ...[
      "serve",
      "--port",
      String(port),
      "--key",
      stage.file(`${name}.pem`),
      "--json",
      "--log-level",
      "warning",
    ],
    ...["--mesh-token", "a token of this network", "--mesh-url", `ws://127.0.0.1:${port}/`],
    ...["--join", `ws://127.0.0.1:${seed}`],
  );
  await program.event("ready");
  return program;
}

async function statusOf(port: number): Promise<MeshStatus> {
  const { output, errors } = await stage.run(["status", `ws://127.0.0.1:${port}`, "--json"]);
  assert.equal(errors, "");
  return JSON.parse(output);
}

/** Asks until the node sees so many others in this state. */
async function sees(port: number, count: number, state: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    const { members } = await statusOf(port);
    if (members.filter((member) => member.state === state).length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.fail(`${count} nodes should be ${state}: ${JSON.stringify(await statusOf(port))}`);
}

it("three nodes joined by a token carry messages between their peers, also after one is killed", async () => {
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const nodes: Program[] = [];
  for (const [i, port] of ports.entries()) nodes.push(await node(`node${i}`, port, ports[0]));
  for (const port of ports) await sees(port, 2, "alive");

  const urls = ports.map((port) => `ws://127.0.0.1:${port}`);
  const { program: bob, id } = await stage.listen("bob", "--node", urls[1]!);
  const send = async (text: string, url: string) => {
    const { exitCode, errors } = await stage.run(["send", id, "--node", url, "--wait", "10s"], text);
    assert.equal(exitCode, 0, errors);
  };
  await send("from the first", urls[0]!);
  await send("from the third", urls[2]!);
  await nodes[0]!.stop("SIGKILL");
  await send("after a death", urls[2]!);
  await sees(ports[2], 1, "dead");
  const texts = () => bob.events.filter(({ event }) => event === "message").map(({ text }) => text);
  await bob.until(() => texts().length >= 3);
  assert.deepEqual(texts(), ["from the first", "from the third", "after a death"]);

  const { output } = await stage.run(["status", urls[2]!]);
  assert.match(output, /alive, session .* ms, 1 peers/);
  assert.match(output, / dead, no way to it/);
  assert.equal((await nodes[1]!.stop()).exitCode, 0);
  await sees(ports[2], 1, "left");
});
