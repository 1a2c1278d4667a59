import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { type ConsoleState, OperatorConsole } from "../../src/rendezvous/console.ts";
import type { Assets } from "../../src/rendezvous/pages.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { meetInMemory, memoryNode, stopNodes, until } from "./peers.ts";

const TOKEN = "a token long enough";
const assets: Assets = {
  dashboard: { type: "text/html", text: "<p>dashboard", etag: '"1"' },
  "dashboard/dashboard.js": { type: "text/javascript", text: "1", etag: '"2"' },
};

async function operated() {
  const clock = new VirtualClock();
  const node = await memoryNode({ publicMetrics: true });
  const console = new OperatorConsole(node, { token: TOKEN, assets, clock });
  console.mount(node.app);
  console.start();
  const ask = async (path: string, body?: unknown, token: string = TOKEN): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}` };
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return await node.app.request(path, { headers, ...post });
  };
  const state = async (since = 0): Promise<ConsoleState> =>
    await (await ask(`/v1/operator/state?since=${since}`)).json() as ConsoleState;
  return { clock, node, console, ask, state };
}

describe("the operator's console", () => {
  afterEach(stopNodes);

  it("is closed without the token, to every path and method", async () => {
    const { node, ask, console } = await operated();
    const peer = (await generateIdentity()).id;
    for (const path of ["state", "drain", "ban", "disconnect", "unban"]) {
      const body = path === "state" ? undefined : { peer };
      for (const token of ["", "wrong", TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase()]) {
        assert.equal((await ask(`/v1/operator/${path}`, body, token)).status, 401, path);
      }
      assert.equal((await node.app.request(`/v1/operator/${path}`)).status, 401);
    }
    assert.equal(node.draining, false);
    console.stop();
  });

  it("shows the page itself to everybody: it holds nothing", async () => {
    const { node, console } = await operated();
    const page = await node.app.request("/dashboard");
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy")!, /script-src 'self'/);
    assert.equal((await node.app.request("/dashboard/other.js")).status, 404);
    const again = await node.app.request("/dashboard/dashboard.js", { headers: { "if-none-match": '"2"' } });
    assert.equal(again.status, 304);
    console.stop();
  });

  it("tells who is here, the last half hour, and how sessions ended", async () => {
    const { clock, node, console, state } = await operated();
    const { identity: { id } } = await meetInMemory(node);
    await clock.advance(4_000);
    const before = await state();
    assert.deepEqual(before.peers, [id]);
    assert.deepEqual(before.history.map(({ sessions }) => sessions), [0, 1, 1]);
    assert.deepEqual((await state(before.history[1]!.at)).history.length, 1);

    const lost = new Promise((resolve) => node.addEventListener("lost", resolve));
    node.disconnect(id, "by\u0007 hand");
    await lost;
    const [ending] = (await state()).endings;
    assert.deepEqual([ending?.what, ending?.peer, ending?.reason], ["lost", id, "disconnected"]);
    assert.ok(!ending!.text.includes("\u0007"));
    console.stop();
  });

  it("keeps a bounded history however long the node lives", async () => {
    const { clock, console, state } = await operated();
    await clock.advance(2 * 3_600_000);
    assert.equal((await state()).history.length, 900);
    console.stop();
    await clock.advance(60_000);
    const { history } = await state();
    assert.equal(history.length, 900);
    assert.ok(history.every(({ at }, i) => i === 0 || at === history[i - 1]!.at + 2_000), "the oldest first");
    assert.equal(history.at(-1)!.at, clock.wall() - 60_000);
  });

  it("bans for so long as it is told, and says what is wrong with an order", async () => {
    const { node, ask, console } = await operated();
    const { identity: { id } } = await meetInMemory(node);
    const banned = await ask("/v1/operator/ban", { peer: id, reason: "spam", seconds: 60 });
    assert.deepEqual(await banned.json(), { done: true });
    await until(() => node.sessions === 0);
    assert.equal(node.unban(id), true);
    for (
      const [order, wrong] of [
        [{}, /PeerId/],
        [{ peer: "x" }, /PeerId/],
        [{ peer: id, seconds: -1 }, /seconds/],
        [{ peer: id, reason: 7 }, /reason/],
        ["nonsense", /PeerId/],
      ] as const
    ) {
      const refused = await ask("/v1/operator/ban", order);
      assert.equal(refused.status, 400);
      assert.match(((await refused.json()) as { error: string }).error, wrong);
    }
    assert.equal(node.unban(id), false);
    console.stop();
  });

  it("refuses a token that can be guessed", async () => {
    const node = await memoryNode();
    assert.throws(() => new OperatorConsole(node, { token: "short", assets }), /at least 16/);
  });

  it("changes limits of the running node, and says what is wrong with those that cannot be", async () => {
    const { node, ask, console } = await operated();
    const limits = async () => await (await ask("/v1/operator/limits")).json() as Record<string, unknown>;
    assert.deepEqual([(await limits()).sessions, (await limits()).bytesPerSecond], [15_000, "none"]);
    const peer = await meetInMemory(node);
    const changed = await ask("/v1/operator/limits", { bytesPerSecond: 500_000, sessions: 9 });
    assert.equal(changed.status, 200);
    await until(() => peer.frames.some((frame) => frame.kind === "rate" && frame.bytesPerSecond === 500_000));
    assert.deepEqual([(await limits()).sessions, node.limits.bytesPerSecond], [9, 500_000]);
    const wrong = await ask("/v1/operator/limits", { sessions: 1, queue: "much" });
    assert.equal(wrong.status, 400);
    assert.match((await wrong.json() as { error: string }).error, /limits\.queue is a number from 1/);
    assert.equal(node.limits.sessions, 9);
    console.stop();
  });

  it("bans addresses and agents, lists the bans, and lifts them", async () => {
    const { node, ask, console } = await operated();
    const peer = await meetInMemory(node, { agent: "bad/1" });
    assert.equal((await ask("/v1/operator/ban", { subject: "agent:bad/", seconds: 60 })).status, 200);
    await until(() => peer.end !== undefined);
    await ask("/v1/operator/ban", { subject: "192.0.2.7/24", reason: "noise" });
    const bans = await (await ask("/v1/operator/bans")).json() as { subject: string; until: number | null }[];
    assert.deepEqual(bans.map(({ subject, until }) => [subject, until === null]), [
      ["agent:bad/", false],
      ["192.0.2.0/24", true],
    ]);
    const wrong = await ask("/v1/operator/ban", { subject: "everybody" });
    assert.match((await wrong.json() as { error: string }).error, /write a PeerId, an address/);
    assert.deepEqual(await (await ask("/v1/operator/unban", { subject: "192.0.2.0/24" })).json(), {
      done: true,
    });
    assert.equal(node.controls.bans.length, 1);
    console.stop();
  });
});
