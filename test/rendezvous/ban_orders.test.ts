import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import { BanOrders } from "../../src/rendezvous/ban_orders.ts";
import type { Ban } from "../../src/rendezvous/bans.ts";
import type { NodeLink } from "../../src/rendezvous/node_link.ts";
import { banSigned, decodeControl, encodeBan } from "../../src/wire/frames.ts";
import type { BanFields, BanOrder } from "../../src/wire/mesh_protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { VirtualWorld } from "../peer/virtual_world.ts";

const [operator, stranger] = [await generateIdentity(), await generateIdentity()];

async function order(by: Identity, fields: Partial<BanFields>, network = "default"): Promise<BanOrder> {
  const all = {
    operator: by.publicKey,
    subject: "198.51.100.0/24",
    reason: "noise",
    issued: 1_000,
    until: 0,
    ...fields,
  };
  return { kind: "ban", ...all, signature: await by.sign(banSigned(network, all)) };
}

/** A neighbour that writes down what it is told. */
function neighbour() {
  const told: BanOrder[] = [];
  const send = (frame: Uint8Array) => void told.push(decodeControl(frame) as BanOrder);
  return { told, link: { session: { state: "ready", send } } as unknown as NodeLink };
}

function station() {
  const clock = new VirtualClock();
  const bans = new Map<string, Ban>();
  const orders = new BanOrders({
    network: "default",
    operators: [operator.id],
    clock,
    ban: (ban) => void bans.set(ban.subject, ban),
    lift: (subject) => void bans.delete(subject),
  });
  return { clock, bans, orders };
}

describe("an operator's order", () => {
  it("is obeyed and passed on once, but not to whom it came from, and told to who joins", async () => {
    const { bans, orders } = station();
    const [a, b, late] = [neighbour(), neighbour(), neighbour()];
    orders.joined(a.link);
    orders.joined(b.link);
    const ban = await order(operator, {});
    assert.equal(await orders.hear(ban, a.link), undefined);
    assert.equal(await orders.hear(ban, b.link), undefined);
    assert.deepEqual([...bans.values()], [{ subject: "198.51.100.0/24", reason: "noise", until: Infinity }]);
    assert.deepEqual([a.told, b.told], [[], [ban]]);
    orders.joined(late.link);
    assert.deepEqual(late.told, [ban]);
  });

  it("is for nodes that are here: those whose sessions ended are not held", () => {
    const { orders } = station();
    for (let i = 0; i < 1_000; i++) {
      const { link } = neighbour();
      orders.joined(link);
      Object.assign(link.session, { state: "closed" });
    }
    assert.equal(orders.told, 1);
  });

  it("is refused from a stranger, of another network, changed, from the future, or about nobody", async () => {
    const { bans, orders, clock } = station();
    const { told, link } = neighbour();
    orders.joined(link);
    const wrong: [BanOrder, RegExp][] = [
      [await order(stranger, {}), /does not obey/],
      [await order(operator, {}, "other"), /another network/],
      [{ ...await order(operator, {}), subject: "198.51.0.0/16" }, /signature is wrong/],
      [await order(operator, { issued: clock.wall() + 61_000 }), /from the future/],
      [await order(operator, { subject: "everybody" }), /about nobody/],
      [await order(operator, { subject: "198.51.100.7/24" }), /about nobody/],
    ];
    for (const [each, why] of wrong) assert.match((await orders.hear(each))!, why);
    assert.deepEqual([bans.size, told], [0, []]);
  });

  it("issued last holds, in whatever order they come", async () => {
    const all = await Promise.all(
      [1, 2, 3, 4].map((issued) => order(operator, { issued, until: issued % 2 === 0 ? issued : 0 })),
    );
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(all, { minLength: 1 }), async (some) => {
        const { bans, orders } = station();
        for (const each of some) assert.equal(await orders.hear(each), undefined);
        const last = Math.max(...some.map(({ issued }) => issued));
        assert.equal(bans.has("198.51.100.0/24"), last % 2 === 1);
      }),
      { numRuns: 20 },
    );
  });

  it("given to one node of a mesh holds at all of them, and at one that joins later, until it is lifted", async () => {
    const world = new VirtualWorld();
    const urls = ["ws://127.0.0.1", "ws://127.0.0.2", "ws://127.0.0.3"];
    const start = (url: string) =>
      world.start(url, {
        operators: [operator.id],
        mesh: { token: "a token of this network", join: urls.slice(0, 1), urls: [url] },
      });
    for (const url of urls.slice(0, 2)) await start(url);
    await world.clock.advance(0);
    await world.pass(3_000);
    const send = async (fields: Partial<BanFields>) => {
      const body = encodeBan(await order(operator, fields));
      const headers = { "content-length": String(body.length) };
      return await world.node(urls[0]).app.request("/v1/orders", {
        method: "POST",
        body: body as Uint8Array<ArrayBuffer>,
        headers,
      });
    };
    const held = (url: string) => world.node(url).controls.bans.map(({ subject }) => subject);
    const now = world.clock.wall();
    assert.equal((await send({ issued: now })).status, 200);
    await world.pass(200);
    assert.deepEqual(urls.slice(0, 2).map(held), [["198.51.100.0/24"], ["198.51.100.0/24"]]);
    await start(urls[2]!);
    for (let tries = 0; held(urls[2]!).length === 0 && tries < 30; tries++) await world.pass(1_000, 10);
    assert.deepEqual(held(urls[2]!), ["198.51.100.0/24"]);
    assert.equal((await send({ issued: now + 1, until: now + 1 })).status, 200);
    await world.pass(200);
    assert.deepEqual(urls.map(held), [[], [], []]);
    const refused = await world.node(urls[0]).app.request("/v1/orders", { method: "POST", body: "x" });
    assert.equal(refused.status, 403);
    for (const url of urls) await world.run(world.node(url).drain(0));
  });
});
