import assert from "node:assert/strict";
import { connect as tcpConnect } from "node:net";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { Admission } from "../../src/rendezvous/admission.ts";
import type { Answerer, NodeApp } from "../../src/rendezvous/bindings.ts";
import type { Lane, RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { bytes, dialling, type PeerOptions, type TestPeer, texts, until } from "./peers.ts";
import { connect, serve } from "./runtime.ts";

async function meet(node: RunningNode, options: PeerOptions = {}, prefix = ""): Promise<TestPeer> {
  const peer = await dialling(node.url + prefix, connect, options);
  await until(() => peer.isReady || peer.end !== undefined);
  return peer;
}

async function withNode(options: ServeOptions, run: (node: RunningNode) => Promise<void>): Promise<void> {
  const node = await serve({ port: 0, ...options });
  try {
    await run(node);
  } finally {
    await node.stop();
  }
}

describe("a node on real sockets", () => {
  it("relays between two peers, byte for byte, both ways", () =>
    withNode({}, async (node) => {
      const [a, b] = await Promise.all([meet(node), meet(node)]);
      const payload = Uint8Array.from({ length: 100_000 }, (_, i) => i * 31 + (i >> 8));
      a!.send(b!, payload);
      await until(() => b!.heard.length === 1);
      assert.deepEqual(b!.heard[0], { from: a!.key, payload });
      b!.sendAll([a!, bytes("one")], [a!, bytes("two")]);
      await until(() => a!.heard.length === 2);
      assert.deepEqual(texts(a!.heard), ["one", "two"]);
    }));

  it("hands out messages of which a slice is a copy, so that no key taken from one changes later", () =>
    withNode({}, async (node) => {
      const heard: Uint8Array[] = [];
      const handlers = { message: (message: Uint8Array) => void heard.push(message), closed() {} };
      const admission = { open: () => handlers, release() {} };
      node.node.admit = () => admission as unknown as Admission;
      const socket = connect(`${node.url}/v1/connect/${"a".repeat(52)}`, {
        open: () => void socket.send(Uint8Array.of(1, 2, 3)),
        message() {},
        closed() {},
      });
      await until(() => heard.length === 1);
      assert.equal(heard[0]!.constructor, Uint8Array);
      const slice = heard[0]!.slice(1);
      heard[0]!.fill(9);
      assert.deepEqual(slice, Uint8Array.of(2, 3));
      socket.terminate();
    }));

  it("relays ten thousand frames of many sizes in order", () =>
    withNode({}, async (node) => {
      const [a, b, c] = await Promise.all([meet(node), meet(node), meet(node)]);
      for (let i = 0; i < 10_000; i += 100) {
        a!.sendAll(...Array.from({ length: 100 }, (_, j): [TestPeer, Uint8Array] => {
          return [(i + j) % 3 === 0 ? c! : b!, bytes(`${i + j} ${"x".repeat(j % 50)}`)];
        }));
      }
      await until(() => b!.heard.length + c!.heard.length === 10_000);
      const numbers = (peer: TestPeer) => texts(peer.heard).map((text) => parseInt(text));
      const all = Array.from({ length: 10_000 }, (_, i) => i);
      assert.deepEqual(numbers(c!), all.filter((i) => i % 3 === 0));
      assert.deepEqual(numbers(b!), all.filter((i) => i % 3 !== 0));
    }));

  it("answers for the absent and tells who left, also when a socket is cut", () =>
    withNode({}, async (node) => {
      const [a, b] = await Promise.all([meet(node), meet(node)]);
      a!.send(new Uint8Array(32).fill(7), bytes("?"));
      await until(() => a!.notices().length === 1);
      assert.equal(a!.notices()[0]!.reason, Reason.absent);
      a!.send(b!, bytes("!"));
      await until(() => b!.heard.length === 1);
      node.disconnect(b!.identity.id);
      await until(() => a!.notices().length === 2);
      assert.equal(a!.notices()[1]!.reason, Reason.gone);
    }));

  it("bounds what waits for a peer that does not read", () =>
    withNode({ limits: { queue: 1_000_000 } }, async (node) => {
      const a = await meet(node);
      const deaf = await deafPeer(node);
      for (let i = 0; i < 400; i++) a.send(deaf.key, new Uint8Array(100_000));
      await until(() => a.notices().some(({ reason }) => reason === Reason.queueFull));
      deaf.hangUp();
      await until(() => a.notices().some(({ reason }) => reason === Reason.gone));
    }));

  it("closes text, garbage and too large a message with a reason, and goes on", () =>
    withNode({}, async (node) => {
      const witness = await meet(node);
      for (const bad of ["text", bytes("garbage")]) {
        let raw: (message: Uint8Array | string) => void = () => {};
        const peer = await dialling(node.url, (url, handlers) => {
          const socket = connect(url, handlers);
          raw = (message) => socket.send(message);
          return socket;
        });
        await until(() => peer.isReady);
        raw(bad);
        await until(() => peer.end !== undefined);
        assert.equal(peer.end!.reason, Reason.protocolError);
      }
      const large = await meet(node);
      large.session.sendBatch(new Uint8Array(1_048_577));
      await until(() => large.end !== undefined);
      witness.send(witness, bytes("fine"));
      await until(() => witness.heard.length === 1);
    }));

  it("answers HTTP and refuses what is no upgrade", () =>
    withNode({}, async (node) => {
      const http = node.url.replace("ws:", "http:");
      const get = async (path: string) => {
        const response = await fetch(http + path);
        return [response.status, await response.text()] as const;
      };
      assert.deepEqual(await get("/healthz"), [200, "ok\n"]);
      assert.equal((await get(`/v1/connect/${node.id}`))[0], 426);
      assert.match((await get("/metrics"))[1], /^waymeet_sessions 0$/m);
      assert.match((await get("/"))[1], /<h1>/);
      assert.equal((await get("/nothing"))[0], 404);
    }));

  it("refuses upgrades over HTTP: another subprotocol, no PeerId, a broken handshake", () =>
    withNode({}, async (node) => {
      const { id } = await generateIdentity();
      const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
      const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
      const ours = "Sec-WebSocket-Protocol: waymeet.1\r\n";
      assert.match(
        await raw(node, `/v1/connect/${id}`, `${upgrade}${key}Sec-WebSocket-Protocol: chat\r\n`),
        /^HTTP\/1\.1 426/,
      );
      assert.match(await raw(node, "/v1/connect/alice", upgrade + key + ours), /^HTTP\/1\.1 400/);
      assert.match(await raw(node, "/elsewhere", upgrade + key + ours), /^HTTP\/1\.1 404/);
      assert.match(await raw(node, `/v1/connect/${id}`, upgrade + ours), /^HTTP\/1\.1 4/);
      const both = "Sec-WebSocket-Protocol: chat, waymeet.1\r\n";
      assert.match(
        await raw(node, `/v1/connect/${id}`, upgrade + key + both),
        /^HTTP\/1\.1 101[\s\S]*protocol: waymeet\.1\r\n/i,
      );
      await until(() => node.node.handshakes <= 1);
    }));

  it("serves inside another app", () =>
    withNode(
      { within: (meet) => new Hono().get("/", (c) => c.text("mine")).route("/meet", meet) as never },
      async (node) => {
        assert.equal(await (await fetch(node.url.replace("ws:", "http:"))).text(), "mine");
        const peer = await meet(node, {}, "/meet");
        peer.send(peer, bytes("hello"));
        await until(() => peer.heard.length === 1);
      },
    ));

  it("tells a port in use as such, and what to do", () =>
    withNode({}, async (node) => {
      await assert.rejects(serve({ port: node.port }), (error: unknown) => {
        assert.ok(error instanceof WaymeetError);
        assert.equal(error.code, "port-in-use");
        assert.match(error.message, /choose another port/);
        return true;
      });
    }));

  it("has each request wait for its turn before the routes see it", async () => {
    const waited: unknown[] = [];
    const within = (meet: Hono<NodeApp>) =>
      new Hono<NodeApp>().use(async (c, next) => {
        waited.push(c.env.waited);
        await next();
      }).route("/", meet);
    await withNode({ within }, async (node) => {
      assert.equal((await fetch(`${node.url.replace("ws:", "http:")}/healthz`)).status, 200);
    });
    assert.deepEqual(waited, [true]);
  });

  it("dials by its lane where it has one, answers there, and closes it", async () => {
    const token = "a token of this network";
    const [dialled, apps]: [string[], Answerer[]] = [[], []];
    const lane: Lane = {
      listen(app) {
        apps.push(app);
        return Promise.resolve({ close: () => Promise.resolve(void apps.pop()) });
      },
      dialer: (other) => (url, handlers) => {
        dialled.push(url);
        return other(url, handlers);
      },
    };
    await withNode(
      { mesh: { token } },
      (one) =>
        withNode({ lane, mesh: { token, join: [one.url] } }, async () => {
          await until(() => dialled.length > 0);
          assert.ok(dialled[0]!.startsWith(one.url), dialled[0]);
          assert.equal((await apps[0]!.fetch(new Request("http://n/healthz"), {})).status, 200);
        }),
    );
    assert.deepEqual(apps, []);
  });

  it("gives its port back when its lane cannot be had", async () => {
    let port = 0;
    await withNode({}, (node) => Promise.resolve(void (port = node.port)));
    const lane: Lane = { listen: () => Promise.reject(new Error("no lane")), dialer: (other) => other };
    await assert.rejects(serve({ port, lane }), /no lane/);
    await withNode({ port }, () => Promise.resolve());
  });

  it("wants the operator's choices off loopback", async () => {
    await assert.rejects(serve({ host: "0.0.0.0", port: 0 }), /choose who may connect: pass access/);
    await assert.rejects(serve({ host: "0.0.0.0", port: 0, access: { kind: "open" } }), /pass names/);
    const node = await serve({
      host: "0.0.0.0",
      port: 0,
      access: { kind: "open" },
      names: ["meet.example.org"],
    });
    const peer = await meet(node);
    assert.equal(peer.end!.reason, Reason.wrongHost, "it was dialled by another name");
    assert.equal((await fetch(`${node.url.replace("ws:", "http:")}/metrics`)).status, 403);
    await node.stop();
  });

  it("stops within its grace: peers are told, nothing accepts, peers without manners are dropped", async () => {
    const abort = new AbortController();
    const node = await serve({ port: 0, signal: abort.signal });
    const [a, b] = await Promise.all([meet(node), meet(node)]);
    const deaf = await deafPeer(node);
    a!.send(b!, bytes("last words"));
    await until(() => b!.heard.length === 1);
    const start = performance.now();
    abort.abort();
    await node.stop();
    assert.ok(performance.now() - start < 5_500);
    await until(() => a!.end !== undefined && b!.end !== undefined);
    assert.equal(a!.end!.reason, Reason.draining);
    await assert.rejects(fetch(node.url.replace("ws:", "http:")));
    deaf.hangUp();
  });
});

/** A WebSocket handshake, or another request, by hand: the answer's first bytes. */
function raw(node: RunningNode, path: string, headers: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect(node.port, "127.0.0.1", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\n${headers}\r\n`);
    });
    socket.setTimeout(3_000, () => socket.destroy(new Error("no answer")));
    socket.on("error", reject);
    socket.on("data", (data) => {
      resolve(data.toString("latin1"));
      socket.destroy();
    });
  });
}

/** An authenticated peer that reads nothing any more and answers nothing. */
async function deafPeer(node: RunningNode): Promise<{ key: Uint8Array; hangUp(): void }> {
  const { deafConnect, cut } = await import("./deaf_connect.ts");
  const peer = await dialling(node.url, deafConnect);
  await until(() => peer.isReady);
  cut.stopReading();
  return { key: peer.key, hangUp: cut.hangUp };
}
