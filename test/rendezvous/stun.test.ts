import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect as tcpConnect } from "node:net";
import { describe, it } from "node:test";
import { bindUdp } from "../../edge/udp.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { turnCredential } from "../../src/rendezvous/ice_offer.ts";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { systemClock } from "../../src/session/clock.ts";
import { iceServers } from "../../src/session/ice_servers.ts";
import { addressText, parseAddress, type TransportAddress } from "../../src/stun/address.ts";
import { type DatagramPort, StunClient } from "../../src/stun/transaction.ts";
import type { WaymeetError } from "../../src/wire/error.ts";
import { dialling, until } from "./peers.ts";
import { connect, serve } from "./runtime.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const TIMING = { rto: 500, rc: 3, rm: 2 };

async function withNode(options: ServeOptions, run: (node: RunningNode) => Promise<void>): Promise<void> {
  const node = await serve({ port: 0, ...options });
  try {
    await run(node);
  } finally {
    await node.stop();
  }
}

async function withClient(
  host: string,
  run: (client: StunClient, port: number) => Promise<void>,
): Promise<void> {
  const port: DatagramPort = { receive() {}, send: (datagram, to) => socket.send(datagram, to) };
  const socket = await bindUdp({ host, port: 0 }, (datagram, from) => port.receive(datagram, from));
  try {
    await run(new StunClient(port, systemClock, random), socket.port);
  } finally {
    await socket.close();
  }
}

const at = (host: string, port: number): TransportAddress => parseAddress(host, port)!;

describe("a node's STUN server", () => {
  it("answers over IPv4 and IPv6 at the number of the TCP port", () =>
    withNode({ host: ["127.0.0.1", "::1"] }, async ({ port, stunPorts }) => {
      assert.deepEqual(stunPorts, [port]);
      for (const host of ["127.0.0.1", "::1"]) {
        await withClient(host, async (client, own) => {
          const answer = await client.ask(at(host, port), { timing: TIMING });
          assert(answer?.type === "mapped");
          assert.equal(addressText(answer.mapped), addressText(at(host, own)));
        });
      }
    }));
  it("answers from its second port when asked to", () =>
    withNode({ stunPorts: [0, 0] }, async ({ stunPorts }) => {
      const [first, second] = stunPorts as [number, number];
      await withClient("127.0.0.1", async (client) => {
        const change = { ip: false, port: true };
        const answer = await client.ask(at("127.0.0.1", first), { change, timing: TIMING });
        assert.equal(answer?.from.port, second);
        const other = await client.ask(at("127.0.0.1", first), {
          change: { ip: true, port: true },
          timing: TIMING,
        });
        assert.deepEqual(other?.type === "refused" && other.code, 420);
      });
    }));
  it("with two addresses and ports is a whole server of RFC 5780", () =>
    withNode({ host: ["127.0.0.1", "127.0.0.2"], stunPorts: [0, 0] }, async ({ stunPorts }) => {
      const [first, second] = stunPorts as [number, number];
      await withClient("127.0.0.1", async (client) => {
        const change = { ip: true, port: true };
        const answer = await client.ask(at("127.0.0.1", first), { change, timing: TIMING });
        assert(answer?.type === "mapped");
        assert.equal(addressText(answer.from), `127.0.0.2:${second}`);
        assert.equal(addressText(answer.other!), `127.0.0.2:${second}`);
      });
    }));
  it("is told in the welcome under the name that was dialled, before those of the operator", () =>
    withNode({ stun: ["stun:stun.example.org"], stunPorts: [0, 0] }, async (node) => {
      const peer = await dialling(node.url.replace("127.0.0.1", "localhost"), connect);
      await until(() => peer.isReady);
      const [first, second] = node.stunPorts;
      const stun = [`stun:localhost:${first}`, `stun:localhost:${second}`, "stun:stun.example.org"];
      const { welcome } = peer.session;
      assert.deepEqual(welcome!.stun, stun);
      assert.deepEqual(iceServers(welcome!), [{ urls: stun }]);
    }));
  it("is shown in the metrics, with what it refused", () =>
    withNode({}, async (node) => {
      await withClient("127.0.0.1", async (client) => {
        await client.ask(at("127.0.0.1", node.port), { timing: TIMING });
      });
      const stranger = createSocket("udp4");
      stranger.send("what is this?", node.port, "127.0.0.1");
      await until(() => node.node.metricsText().includes('waymeet_stun_drops_total{reason="short"} 1'));
      stranger.close();
      const text = node.node.metricsText();
      assert.match(text, /^waymeet_stun_answers_total\{outcome="success"\} 1$/m);
      assert.match(text, /^waymeet_stun_bytes_in_total \d\d+$/m);
    }));
  it("survives who cannot be answered", () =>
    withNode({}, async ({ port }) => {
      for (let i = 0; i < 20; i++) {
        const gone = createSocket("udp4");
        gone.send(bareRequest(), port, "127.0.0.1", () => gone.close()); // ICMP: port unreachable
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      await withClient("127.0.0.1", async (client) => {
        assert(await client.ask(at("127.0.0.1", port), { timing: TIMING }));
      });
    }));
  it("can be switched off", () =>
    withNode({ stunPorts: false }, async (node) => {
      assert.deepEqual(node.stunPorts, []);
      assert.doesNotMatch(node.node.metricsText(), /stun/);
      const peer = await dialling(node.url, connect);
      await until(() => peer.isReady);
      assert.deepEqual(peer.session.welcome!.stun, []);
    }));
  it("gives way to who has its port, unless the port was named", async () => {
    const taken = await bindUdp({ host: "127.0.0.1", port: 0 }, () => {});
    try {
      await withNode({ port: taken.port }, ({ stunPorts }) => {
        assert.deepEqual(stunPorts, []);
        return Promise.resolve();
      });
      const named = serve({ port: 0, stunPorts: [taken.port] });
      await assert.rejects(named, (error: WaymeetError) => error.code === "port-in-use");
      await assert.rejects(serve({ port: 0, stunPorts: [1, 2, 3] }), RangeError);
    } finally {
      await taken.close();
    }
  });
});

function bareRequest(): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
  return bytes;
}

describe("a node on both families", () => {
  const reaches = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = tcpConnect({ host, port }, () => resolve(true));
      socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
    });
  it("listens at each address that is named, and at nothing else", () =>
    withNode({ host: ["127.0.0.1", "::1"] }, async ({ port, url }) => {
      assert.equal(url, `ws://127.0.0.1:${port}`);
      assert(await reaches("127.0.0.1", port));
      assert(await reaches("::1", port));
      assert(!await reaches("127.0.0.2", port));
    }));
  it("listens at every address of both when told ::", async () => {
    const open = { access: { kind: "open" }, names: "any" } as const;
    await withNode({ host: "::", ...open }, async (node) => {
      for (const host of ["127.0.0.1", "[::1]"]) {
        const peer = await dialling(`ws://${host}:${node.port}`, connect);
        await until(() => peer.isReady);
        assert.equal(peer.session.welcome!.address, host === "[::1]" ? "::1" : host);
        assert.deepEqual(peer.session.welcome!.stun, [`stun:${host}:${node.port}`]);
      }
      for (const host of ["127.0.0.1", "::1"]) {
        await withClient(host, async (client) => {
          assert(await client.ask(at(host, node.port), { timing: TIMING }));
        });
      }
    });
  });
  it("leaves none of them listening when one cannot be had", async () => {
    const taken = await serve({ host: "::1", port: 0, stunPorts: false });
    const { port } = taken;
    try {
      await assert.rejects(serve({ host: ["127.0.0.1", "::1"], port }), (error: WaymeetError) => {
        return error.code === "port-in-use";
      });
      assert(!await reaches("127.0.0.1", port));
    } finally {
      await taken.stop();
    }
  });
});

describe("credentials for a TURN server", () => {
  const turn = { urls: ["turn:turn.example.org"], secret: "north wind", ttl: 600 };

  it("are each peer's own, and end as coturn reads them", () =>
    withNode({ turn }, async (node) => {
      const peer = await dialling(node.url, connect);
      await until(() => peer.isReady);
      const [server] = peer.session.welcome!.turn!;
      const [seconds, id] = server!.username.split(":");
      assert.equal(id, peer.identity.id);
      assert.equal(Number(seconds) * 1_000, server!.expires);
      const left = server!.expires - Date.now();
      assert(left > 500_000 && left <= 600_000, String(left));
      const password = createHmac("sha1", turn.secret).update(server!.username).digest("base64");
      assert.equal(server!.credential, password);
      assert.deepEqual(iceServers(peer.session.welcome!).at(-1), {
        urls: turn.urls,
        username: server!.username,
        credential: password,
      });
    }));
  it("are made by the scheme alone", async () => {
    const { id } = await generateIdentity();
    assert.equal(turnCredential("s", id, 1_999).username, `1:${id}`);
  });
  it("need URLs and a secret", async () => {
    const wrong = [{ ...turn, urls: ["stun:a"] }, { ...turn, secret: "" }, {
      ...turn,
      urls: Array(5).fill("turn:a"),
    }];
    for (const turn of wrong) await assert.rejects(serve({ port: 0, turn }), TypeError);
    await assert.rejects(serve({ port: 0, stun: ["turn:a"] }), /write stun:/);
  });
});
