import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { collect, nextLink, VirtualWorld, wrongClock } from "./virtual_world.ts";

const code = (expected: string) => (error: unknown) => {
  assert(error instanceof WaymeetError, String(error));
  assert.equal(error.code, expected);
  return true;
};

describe("two peers and a node", () => {
  let world: VirtualWorld;
  beforeEach(async () => {
    world = new VirtualWorld();
    await world.start();
  });
  afterEach(() => world.end());

  it("a cold dial, a first message and its acknowledgement take two round trips", async () => {
    world = new VirtualWorld({ delay: 50 });
    await world.start();
    const [a, b] = [await world.open(), await world.open()];
    const began = world.clock.now();
    await world.run(a.dial(b.id).then((link) => link.send("hello")));
    const roundTrip = 4 * world.delay; // peer, node, peer, and back
    // One question to the node is half a round trip between the peers; the run's steps are 1 ms.
    assert(world.clock.now() - began <= 1.5 * roundTrip + 5, `${world.clock.now() - began} ms`);
  });

  it("a message arrives as it was sent, and its sender knows", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    const delivery = await world.run(link.send(new Uint8Array([0, 255, 7])));
    const incoming = await world.run(arriving);
    const { value: message } = await world.run(incoming[Symbol.asyncIterator]().next());
    assert.deepEqual(message!.data, new Uint8Array([0, 255, 7]));
    assert.equal(message!.from, a.id);
    assert.equal(message!.id, delivery.id);
    assert.equal(incoming.peer, a.id);
  });

  it("a message goes queued, sent, delivered, processed, and the last only when the application said so", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    const seen: string[] = [];
    const posted = link.post("important", { asks: true, onStatus: ({ status }) => seen.push(status) });
    assert.equal(posted.status, "queued");
    await world.run(posted.delivered);
    const { value: message } = await world.run((await arriving)[Symbol.asyncIterator]().next());
    await world.clock.advance(1_000);
    assert.deepEqual(seen, ["sent", "delivered"]);
    message!.ack();
    const { times } = await world.run(posted.processed);
    assert.deepEqual(seen, ["sent", "delivered", "processed"]);
    assert(
      times.queued! <= times.sent! && times.sent! <= times.delivered! && times.delivered! < times.processed!,
    );
  });

  it("dialling a peer that is not there says so at once", async () => {
    const a = await world.open();
    const { id } = await generateIdentity();
    await assert.rejects(world.run(a.dial(id), 1_000), code("absent"));
  });

  it("a dial with a deadline waits for the peer to come", async () => {
    const a = await world.open();
    const identity = await generateIdentity();
    const dialling = a.dial(identity.id, { deadline: 60_000 });
    await world.clock.advance(20_000);
    const b = await world.open({ key: identity });
    const arriving = nextLink(b);
    const link = await world.run(dialling);
    await world.run(link.send("at last"));
    assert.equal((await world.run(arriving)).peer, a.id);
  });

  it("a dial with a deadline gives up when it passes", async () => {
    const a = await world.open();
    const { id } = await generateIdentity();
    const began = world.clock.now();
    await assert.rejects(world.run(a.dial(id, { deadline: 30_000 })), code("absent"));
    assert(world.clock.now() - began <= 30_100);
  });

  it("both dial at once: one link on each side, no error, every message once", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const [ab, ba] = await world.run(Promise.all([a.dial(b.id), b.dial(a.id)]));
    const [atA, atB] = [collect(ab), collect(ba)];
    await world.run(Promise.all([ab.send("from a"), ba.send("from b"), ab.send("from a again")]));
    await world.clock.advance(5_000);
    assert.deepEqual(atA, ["from b"]);
    assert.deepEqual(atB, ["from a", "from a again"]);
    assert.equal(a.links.size, 1);
    assert.equal(b.links.size, 1);
    assert(ab.connected && ba.connected);
  });

  it("two dials of one peer are two handles of one link, which ends with the last of them", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const [first, second] = await world.run(Promise.all([a.dial(b.id), a.dial(b.id)]));
    assert.equal(a.links.size, 1);
    await world.run(first.close());
    await assert.rejects(first.send("x"), TypeError);
    await world.run(second.send("still here"));
    const incoming = await world.run(arriving);
    await world.run(second.close("enough"));
    await world.clock.advance(100);
    assert(incoming.closed);
    assert.equal(b.links.size, 0);
    assert.equal(a.links.size, 0);
  });

  it("closing sends what was posted before, and tells the reason", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    const posted = Array.from({ length: 500 }, (_, i) => link.post(`m${i}`));
    const closing = link.close("all said");
    const incoming = await world.run(arriving);
    const texts = collect(incoming);
    const ended = new Promise((resolve) =>
      incoming.addEventListener("close", ({ by, reason }) => resolve([by, reason]))
    );
    await world.run(closing);
    assert.deepEqual(await world.run(ended), ["remote", "all said"]);
    assert.equal(texts.length, 500);
    assert(posted.every(({ status }) => status === "delivered"));
  });

  it("a peer that accepts nobody rejects the link with a reason, and is not disturbed", async () => {
    const [a, b] = [await world.open(), await world.open({ accept: "none" })];
    b.addEventListener("link", () => assert.fail("no link was accepted"));
    const link = await world.run(a.dial(b.id));
    await assert.rejects(world.run(link.send("let me in")), code("rejected"));
    await assert.rejects(link.opened, code("rejected"));
    assert.equal(b.links.size, 0);
  });

  it("a request listener decides, now or later, and its reason is told", async () => {
    const [a, b, c] = [await world.open(), await world.open({ accept: "none" }), await world.open()];
    b.addEventListener("request", ({ request }) => {
      if (request.peer === a.id) {
        request.decideLater(new Promise((resolve) => world.clock.after(500, () => resolve(true))));
      } else request.reject("I do not know you");
    });
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("hello"));
    const other = await world.run(c.dial(b.id));
    await assert.rejects(world.run(other.send("hello")), /I do not know you/);
  });

  it("an allow-list lets in whom it names", async () => {
    const a = await world.open();
    const stranger = await world.open();
    const b = await world.open({ accept: [a.id] });
    await world.run((await world.run(a.dial(b.id))).send("hello"));
    await assert.rejects(world.run((await world.run(stranger.dial(b.id))).send("hello")), code("rejected"));
  });

  it("a peer whose clock is an hour wrong is found and talked to", async () => {
    const a = await world.open({ clock: wrongClock(world.clock, 3_600_000) });
    const b = await world.open({ clock: wrongClock(world.clock, -3_600_000) });
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("what time is it?"));
  });

  it("a ping measures the way to the other process and back", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    assert.equal(await world.run(link.ping()), 4 * world.delay);
    assert.match(link.path.why, /relay through ws:\/\/127\.0\.0\.1/);
  });

  it("a stream carries bytes both ways, and its end is acknowledged", async () => {
    const [a, b] = [await world.open(), await world.open()];
    b.addEventListener("link", async ({ link }) => {
      for await (const stream of link.streams) void stream.readable.pipeTo(stream.writable);
    });
    const link = await world.run(a.dial(b.id));
    const stream = link.openStream({ label: "echo" });
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    const writing = (async () => {
      const writer = stream.writable.getWriter();
      for (let i = 0; i < 40; i++) await writer.write(sent);
      await writer.close();
    })();
    const reading = (async () => {
      let size = 0;
      for await (const chunk of stream.readable) {
        for (let i = 0; i < chunk.length; i += 997) assert.equal(chunk[i], sent[(size + i) % sent.length]);
        size += chunk.length;
      }
      return size;
    })();
    const [, size] = await world.run(Promise.all([writing, reading]));
    assert.equal(size, 40 * sent.length);
  });

  it("a message of 16 MiB arrives, a larger one is refused with what to do", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    await world.run(link.send(new Uint8Array(16_777_216).fill(3)));
    const { value: message } = await world.run((await arriving)[Symbol.asyncIterator]().next());
    assert.equal(message!.data.length, 16_777_216);
    assert(message!.data.every((byte) => byte === 3));
    await assert.rejects(link.send(new Uint8Array(16_777_217)), /openStream/);
  });

  it("after close no timer is left", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("hello", { deadline: 60_000 }));
    await world.end();
    assert.equal(world.clock.timers, 0);
    await assert.rejects(a.dial(b.id), code("closed"));
  });

  it("peers of different networks do not meet", async () => {
    await assert.rejects(world.run(world.opening({ network: "elsewhere" })), code("wrong-network"));
  });

  it("a caller's mistakes are told as such", async () => {
    const a = await world.open();
    await assert.rejects(a.dial(a.id), TypeError);
    await assert.rejects(a.dial("alice"), /52 letters/);
    await assert.rejects(world.opening({ nodes: [] }), /at least one node/);
    await assert.rejects(world.opening({ nodes: ["http://127.0.0.1"] }), /wss:\/\//);
    await assert.rejects(world.opening({ nodes: ["ws://example.org"] }), /not encrypted/);
    await assert.rejects(world.opening({ accept: ["bob"] }), /PeerId/);
  });

  it("a signal ends every wait", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const soon = () => {
      const controller = new AbortController();
      world.clock.after(300, () => controller.abort(new Error("enough")));
      return controller.signal;
    };
    const { id } = await generateIdentity();
    await assert.rejects(world.run(a.dial(id, { deadline: 60_000, signal: soon() }), 500), code("aborted"));
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    world.kill();
    await assert.rejects(world.run(link.send("x", { signal: soon() }), 500), code("aborted"));
    await assert.rejects(world.run(link.ping({ signal: soon() }), 500), code("aborted"));
    await assert.rejects(
      world.run(world.opening({ offline: false, nodes: ["ws://127.0.0.2"] }), 500),
      code("node-unreachable"),
    );
    world.restart();
  });
});
