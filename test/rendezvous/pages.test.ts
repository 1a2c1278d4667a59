import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { Hono } from "hono";
import { generateIdentity } from "../../src/identity/identity.ts";
import { bytes, meetInMemory, memoryNode, stopNodes, until } from "./peers.ts";

const UPGRADE = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-protocol": "waymeet.1" };

/** A sample of the text exposition format 0.0.4. */
const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (\S+)$/;

function parseMetrics(text: string): Map<string, number> {
  assert.ok(text.endsWith("\n"));
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    const [, comment, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (comment === "TYPE") types.set(name!, rest!);
    if (comment !== undefined) continue;
    const [, metric, labels = "", value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
    const family = metric!.replace(/_(bucket|sum|count)$/, "");
    assert.ok(types.has(metric!) || types.get(family) === "histogram", `${metric} has no type`);
    assert.ok(!samples.has(metric + labels), `${metric}${labels} twice`);
    samples.set(metric + labels, Number(value));
  }
  return samples;
}

describe("a node over HTTP", () => {
  afterEach(stopNodes);

  it("is alive and ready, and not ready when full", async () => {
    const node = await memoryNode({ limits: { sessions: 1 } });
    assert.equal((await node.app.request("/healthz")).status, 200);
    assert.equal((await node.app.request("/readyz")).status, 200);
    await meetInMemory(node);
    const full = await node.app.request("/readyz");
    assert.deepEqual([full.status, await full.text()], [503, "full\n"]);
  });

  it("tells programs what it is", async () => {
    const node = await memoryNode({ network: "blue" });
    const info = await (await node.app.request("/v1/info")).json() as Record<string, unknown>;
    assert.equal(info.id, node.id);
    assert.equal(info.network, "blue");
    assert.equal(info.protocol, "waymeet.1");
    assert.equal(info.access, "open");
    assert.equal(info.sessions, 0);
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.equal(info.version, manifest.version);
  });

  it("tells strangers no numbers unless the operator says so", async () => {
    const node = await memoryNode({ publicMetrics: false });
    assert.equal((await node.app.request("/metrics")).status, 403);
    const info = await (await node.app.request("/v1/info")).json() as Record<string, unknown>;
    assert.equal("sessions" in info, false);
    assert.doesNotMatch(await (await node.app.request("/")).text(), /Peers here/);
  });

  it("shows a page without scripts, with everything escaped and one style allowed by hash", async () => {
    const node = await memoryNode({ network: `<script>alert("x")</script>` });
    const response = await node.app.request("/");
    const page = await response.text();
    const policy = response.headers.get("content-security-policy")!;
    assert.ok(page.includes(node.id) && page.includes("&lt;script&gt;"));
    assert.ok(!/<script|<img|<link|\son\w+=/i.test(page));
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const style = /<style>([\s\S]*)<\/style>/.exec(page)![1]!;
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toString(
      "base64",
    );
    assert.ok(policy.includes(`style-src 'sha256-${hash}'`) && policy.includes("default-src 'none'"));
  });

  it("answers a connect without upgrade or without the subprotocol with 426 and an explanation", async () => {
    const node = await memoryNode();
    const path = `/v1/connect/${(await generateIdentity()).id}`;
    const plain = await node.app.request(path);
    assert.equal(plain.status, 426);
    assert.equal(plain.headers.get("upgrade"), "websocket");
    assert.match(await plain.text(), /subprotocol waymeet\.1/);
    const foreign = await node.app.request(path, {
      headers: { ...UPGRADE, "sec-websocket-protocol": "chat" },
    });
    assert.equal(foreign.status, 426);
    const bare = await node.app.request(path, { headers: UPGRADE });
    assert.equal(bare.status, 501, "mounted in a server without an adapter");
    assert.equal(node.handshakes, 0);
  });

  it("refuses a path without a PeerId, and a crowd with 503 and when to come back", async () => {
    const node = await memoryNode({ limits: { handshakes: 1 } });
    const upgrade = () => new Response(null);
    const get = (path: string) => node.app.request(path, { headers: UPGRADE }, { upgrade });
    assert.equal((await get("/v1/connect/alice")).status, 400);
    const path = `/v1/connect/${(await generateIdentity()).id}`;
    assert.equal((await get(path)).status, 200);
    const crowd = await get(path);
    assert.equal(crowd.status, 503);
    assert.equal(crowd.headers.get("retry-after"), "1");
    assert.equal((await crowd.json() as Record<string, unknown>).reason, "over-capacity");
  });

  it("gives the place back when the runtime's upgrade fails or throws", async () => {
    const node = await memoryNode();
    const path = `/v1/connect/${(await generateIdentity()).id}`;
    for (const upgrade of [() => undefined, () => assert.fail("no WebSocket request")]) {
      const response = await node.app.request(path, { headers: UPGRADE }, { upgrade });
      assert.equal(response.status, 400);
      assert.equal(node.handshakes, 0);
    }
  });

  it("mounts inside another app", async () => {
    const node = await memoryNode();
    const app = new Hono().route("/meet", node.app);
    assert.equal((await app.request("/meet/healthz")).status, 200);
    assert.equal((await app.request("/healthz")).status, 404);
  });

  it("exposes metrics that Prometheus can parse, and they count", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    a.sendAll([b, bytes("1")], [b, bytes("2")], [new Uint8Array(32), bytes("3")]);
    await until(() => b.heard.length === 2);
    b.session.close(1);
    await until(() => node.sessions === 1);
    const response = await node.app.request("/metrics");
    assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    const samples = parseMetrics(await response.text());
    const expected = {
      waymeet_sessions: 1,
      waymeet_sessions_total: 2,
      waymeet_frames_in_total: 3,
      waymeet_frames_relayed_total: 2,
      waymeet_messages_relayed_total: 1,
      waymeet_bytes_relayed_total: 76,
      'waymeet_frames_dropped_total{reason="absent"}': 1,
      'waymeet_session_ends_total{reason="closed"}': 1,
      'waymeet_session_duration_seconds_bucket{le="1"}': 1,
      'waymeet_session_duration_seconds_bucket{le="+Inf"}': 1,
      waymeet_session_duration_seconds_count: 1,
      waymeet_gone_notices_total: 1,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
    assert.ok([...samples.keys()].some((name) => name.startsWith("waymeet_build_info{version=")));
  });
});
