// runtimes: node
// deadline: 300 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { Stage } from "./programs.ts";
import { freePort } from "../free_port.ts";

const stage = new Stage("node");
after(() => stage.close());
const LAST = 20_000;

it("lines arrive once and in order although the node is killed three times with lines under way", async () => {
  const port = await freePort();
  let node = await stage.serve(port);
  const { program: listener, id } = await stage.listen("bob");
  const sender = stage.start("send", id, "--lines", "--json");
  const received = (): string[] =>
    listener.events.filter(({ event }) => event === "message").map(({ text }) => String(text));

  // Input comes in four parts: each kill happens while lines of the current one are under way.
  for (let part = 0; part < 4; part++) {
    const from = part * LAST / 4 + 1;
    const numbers = Array.from({ length: LAST / 4 }, (_, i) => `${from + i}\n`);
    sender.child.stdin.write(numbers.join(""));
    if (part === 3) break;
    await listener.until(() => listener.output.includes(`"text":"${from + 50}"`));
    await node.stop("SIGKILL");
    assert.equal(sender.child.exitCode, null);
    assert.ok(received().length < from + LAST / 4 - 1, "the node died with lines under way");
    node = await stage.serve(port);
  }
  sender.child.stdin.end();
  const { exitCode, output, errors } = await sender.ended;
  assert.deepEqual({ exitCode, errors: errors.replace(/waymeet: made.*\n/, "") }, {
    exitCode: 0,
    errors: "",
  });
  assert.equal(JSON.parse(output).messages, LAST);
  await listener.until(() => received().length >= LAST);
  assert.deepEqual(received(), Array.from({ length: LAST }, (_, i) => String(i + 1)));
  assert.equal((await listener.stop()).exitCode, 0);
});
