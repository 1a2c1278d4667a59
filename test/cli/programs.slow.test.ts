// runtimes: node, bun, deno
// deadline: 300 s
// cores: 0.5
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import process from "node:process";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RuntimeName } from "../runtimes.ts";
import { Stage } from "./programs.ts";
import { freePort } from "../free_port.ts";

const runtime: RuntimeName = "Deno" in globalThis
  ? "deno"
  : process.versions.bun === undefined
  ? "node"
  : "bun";
const stage = new Stage(runtime);
after(() => stage.close());
const port = await freePort();
let node = await stage.serve(port);

describe(`programs on ${runtime}`, () => {
  it("exchange one message: listen prints who sent it and what", async () => {
    const { program, id } = await stage.listen("bob");
    assert.deepEqual(await stage.run(["send", id], "hello, bob\n"), {
      exitCode: 0,
      output: "",
      errors: `waymeet: made a new key in ${stage.file("config/waymeet/key.pem")}\n`,
    });
    const message = await program.event("message");
    assert.equal(message["text"], "hello, bob\n");
    assert.equal(message["from"], (await stage.run(["id"])).output.trim());
    await stage.run(["send", id], new Uint8Array([0xff, 0, 0xfe]));
    await program.until(() => program.events.find(({ base64 }) => base64 === "/wD+"));
    const names = program.events.map(({ event }) => event);
    for (const name of ["ready", "link", "path", "message", "closed"]) assert.ok(names.includes(name), name);
    const { exitCode } = await program.stop("SIGINT");
    assert.equal(exitCode, 0);
  });
  it("find a peer by its alias, and answer pings with the path and why", async () => {
    const { program, id } = await stage.listen("carol", "--echo");
    await stage.run(["alias", "carol", id]);
    const { exitCode, output } = await stage.run([
      "ping",
      "carol",
      "--count",
      "3",
      "--interval",
      "10ms",
      "--json",
    ]);
    assert.equal(exitCode, 0);
    const events = output.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ event }) => event), ["pong", "pong", "pong", "summary"]);
    assert.equal(events[0].path, "relay");
    assert.match(events[0].why, /relay through ws:/);
    assert.ok(events[3].min <= events[3].avg && events[3].avg <= events[3].max);
    await program.stop();
  });
  it("send lines in order and end when the listener has printed each", async () => {
    const { program, id } = await stage.listen("dave");
    const numbers = Array.from({ length: 3_000 }, (_, i) => `${i + 1}`);
    const { exitCode, output } = await stage.run(
      ["send", id, "--lines", "--processed", "--json"],
      numbers.join("\n"),
    );
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(output), {
      event: "sent",
      to: id,
      messages: 3_000,
      bytes: numbers.join("").length,
    });
    assert.deepEqual(
      program.events.filter(({ event }) => event === "message").map(({ text }) => text),
      numbers,
    );
    await program.stop();
  });
  it("carry a stream both ways through a pipe, with the same bytes", async () => {
    const [up, down] = [randomBytes(8_000_000), randomBytes(3_000_000)];
    const answering = stage.start("pipe", "--listen", "--json", "--key", stage.file("erin.pem"));
    answering.feed(down);
    const id = await readyId(answering);
    const asking = stage.start("pipe", id).feed(up);
    const ends = await Promise.all([asking.ended, answering.ended]);
    assert.deepEqual(ends.map(({ exitCode }) => exitCode), [0, 0], ends.map(({ errors }) => errors).join());
    assert.equal(sha256(answering.bytes), sha256(up));
    assert.equal(sha256(asking.bytes), sha256(down));
  });
  it("fail with a reason when the peer is not there, and wait for it when told to", async () => {
    const { output } = await stage.run(["id", "--key", stage.file("frank.pem")]);
    const away = await stage.run(["send", output.trim()], "x");
    assert.equal(away.exitCode, 1);
    assert.match(away.errors, /no node knows this peer; .*--wait/);
    const waiting = stage.start("send", output.trim(), "--wait", "30s").feed("at last");
    await sleep(300);
    const { program } = await stage.listen("frank");
    assert.equal((await waiting.ended).exitCode, 0);
    assert.equal((await program.event("message"))["text"], "at last");
    await program.stop();
  });
  it("exit with 2 on an id with a wrong letter, before they connect", async () => {
    const { output } = await stage.run(["id"]);
    const { exitCode, errors } = await stage.run(
      ["send", `${output.slice(0, 20)}1${output.slice(21, 52)}`],
      "x",
    );
    assert.equal(exitCode, 2);
    assert.match(errors, /"1" at position 21/);
  });
  it("say that a second program with the same key took the first one's place", async () => {
    const { program } = await stage.listen("grace");
    const { program: second } = await stage.listen("grace");
    const { exitCode, errors } = await program.ended;
    assert.equal(exitCode, 1);
    assert.match(errors, /replaced|took its place|own --key/);
    assert.equal((await second.stop()).exitCode, 0);
  });
  it("say which port is in use", async () => {
    const { exitCode, errors, output } = await stage.run(["serve", "--port", String(port)]);
    assert.equal(exitCode, 1);
    assert.equal(output, "");
    assert.match(errors, new RegExp(`port ${port} is in use`));
  });
  it("say which key file cannot be read", { skip: process.platform === "win32" }, async () => {
    writeFileSync(stage.file("open.pem"), "", { mode: 0o600 });
    chmodSync(stage.file("open.pem"), 0o644);
    for (const words of [["serve", "--port", "0"], ["listen"]]) {
      const { exitCode, errors } = await stage.run([...words, "--key", stage.file("open.pem")]);
      assert.equal(exitCode, 1);
      assert.match(errors, /chmod 600 .*open\.pem/);
    }
  });
  it("say that no node is there", async () => {
    const { output } = await stage.run(["id"]);
    const { exitCode, errors } = await stage.run([
      "send",
      output.trim(),
      "--node",
      `ws://127.0.0.1:${await freePort()}`,
    ], "x");
    assert.equal(exitCode, 1);
    assert.match(errors, /no session with ws:.*waymeet serve/);
  });
  it("end on SIGTERM within 5 s: the node says goodbye, the peers stay and come back", async () => {
    const { program, id } = await stage.listen("heidi");
    const began = performance.now();
    assert.equal((await node.stop()).exitCode, 0);
    assert.ok(performance.now() - began < 5_000);
    await program.until(() =>
      program.events.find(({ event, state }) => event === "node" && state === "disconnected")
    );
    node = await stage.serve(port);
    assert.equal((await stage.run(["send", id, "--wait", "30s"], "again")).exitCode, 0);
    assert.equal((await program.stop()).exitCode, 0);
  });
  it("end quietly when nobody reads their output any more", async () => {
    const { program, id } = await stage.listen("ivan");
    program.child.stdout.destroy();
    await stage.run(["send", id], "into the void");
    const { exitCode, errors } = await program.ended;
    assert.deepEqual({ exitCode, errors: errors.replace(/waymeet: made.*\n/, "") }, {
      exitCode: 0,
      errors: "",
    });
  });
});

async function readyId(program: { errors: string }): Promise<string> {
  for (;;) {
    const line = program.errors.split("\n").find((line) => line.includes('"ready"') && line.endsWith("}"));
    if (line !== undefined) return JSON.parse(line).id;
    await sleep(20);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
