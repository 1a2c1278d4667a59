// deadline: 240 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Peer } from "../../src/mod.node.ts";
import { encodeLookup } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { metric, type Target } from "../compliance/check.ts";
import { goHome, until, visit } from "../compliance/visitor.ts";
import { startWorkerdTarget } from "../compliance/workerd_target.ts";
import { bytes, publishOf, texts } from "../rendezvous/peers.ts";

/** workerd puts an object to sleep after ten seconds without an event. */
const ASLEEP = 14_000;
const paths = { local: false, direct: false };

describe("a node on Cloudflare's runtime", () => {
  let target: Target;
  before(async () => target = await startWorkerdTarget());
  after(() => target.close());

  it("goes on with the sessions of objects that slept: relay, records, who has to be told", async () => {
    const [a, b, c] = [await visit(target.url), await visit(target.url), await visit(target.url)];
    b.session.send(await publishOf(b, [b.session.hello!.node]));
    a.send(b, bytes("before"));
    await until("it arrives", () => b.heard.length === 1);
    await sleep(ASLEEP);
    const pongs = [a, b, c].map(({ session }) => session.pongsMatched);
    for (const { session } of [a, b, c]) session.ask();
    await until(
      "pings are answered",
      () => [a, b, c].every(({ session }, i) => session.pongsMatched > pongs[i]!),
    );
    assert.equal(await metric(target, "sessions_resumed_total"), 0, "and nothing woke");
    a.send(b, bytes("after"));
    b.send(a, bytes("back"));
    c.session.send(encodeLookup(1, b.key));
    await until(
      "all of it arrives",
      () => b.heard.length === 2 && a.heard.length === 1 && c.found().length === 1,
    );
    assert.deepEqual(texts(b.heard), ["before", "after"]);
    assert.equal(c.found()[0]!.reason, Reason.none, "its record was kept");
    await until("they had slept", async () => await metric(target, "sessions_resumed_total") >= 3);
    b.socket.terminate();
    await until("both are told", () => a.notices().length === 1 && c.notices().length === 1);
    assert.equal(a.notices()[0]!.reason, Reason.gone);
    goHome();
  });

  it("is a node like any other to the SDK: links, watches, topics", async () => {
    const nodes = [target.url];
    await using a = await Peer.open({ nodes, paths });
    await using b = await Peer.open({ nodes, paths });
    const watch = a.watch(b.id);
    const link = await a.dial(b.id, { deadline: 10_000 });
    await link.send("hello");
    await using teaA = await a.join("tea");
    await using teaB = await b.join("tea");
    await until("they meet", () => teaA.members.has(b.id) && teaB.members.has(a.id));
    await until("it is seen", () => watch.state === "online");
    await b.close();
    await until("it is missed", () => watch.state === "offline" && !teaA.members.has(b.id));
  });
});
