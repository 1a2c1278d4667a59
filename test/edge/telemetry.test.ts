import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { exportTelemetry } from "../../edge/telemetry.ts";
import { FORWARD_SAMPLE } from "../../src/rendezvous/tracing.ts";
import type { NodeMetrics } from "../../src/rendezvous/metrics.ts";
import { encodeAttemptFrame } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { bytes, meetInMemory, memoryNode, stopNodes, until } from "../rendezvous/peers.ts";
import { Collector } from "./collector.ts";

describe("telemetry of a node", () => {
  let collector: Collector | undefined;
  afterEach(async () => {
    await stopNodes();
    await collector?.close();
  });

  it("reports by OTLP what a scrape shows, and spans of handshakes, attempts and forwarded messages", async () => {
    collector = await Collector.open();
    const node = await memoryNode({ network: "main" });
    {
      await using _ = await exportTelemetry(node, { url: collector.url, interval: 3_600_000 });
      const [a, b] = [
        await meetInMemory(node, { network: "main" }),
        await meetInMemory(node, { network: "main" }),
      ];
      await meetInMemory(node, { network: "other" });
      for (let i = 0; i <= FORWARD_SAMPLE; i++) a.send(b, bytes("hello"));
      await until(() => b.heard.length === FORWARD_SAMPLE + 1);
      a.session.send(encodeAttemptFrame({ kind: "attempt", request: 1, peer: b.key }));
      await until(() => b.frames.some(({ kind }) => kind === "invite"));
      b.session.close(Reason.closed, "");
      await until(() => a.frames.some(({ kind }) => kind === "outcome"));
      a.send(new Uint8Array(32).fill(7), bytes("lost"));
      await until(() => a.notices().some(({ reason }) => reason === Reason.absent));
    }
    const { metrics, spans, resource } = collector;
    assert.deepEqual(
      [resource["service.name"], resource["service.namespace"], resource["service.instance.id"]],
      ["waymeet", "main", node.id],
    );
    for (const { name, type, samples } of node.exposition().families) {
      const sent = metrics.get(`waymeet_${name}`);
      if (name === "limit" || samples.length === 0 || name.startsWith("uptime")) continue;
      assert.ok(sent, `${name} was sent`);
      assert.equal(sent.type, type === "counter" ? "sum" : type);
      if (type === "histogram") continue;
      assert.deepEqual(sent.points, samples.map(({ value, labels }) => ({ value, labels })), name);
    }
    assert.deepEqual(metrics.get("waymeet_frames_dropped_total")!.points, [
      { value: 1, labels: { reason: "absent" } },
    ]);
    const handshakes = spans.filter(({ name }) => name === "waymeet.handshake");
    assert.deepEqual(handshakes.map(({ attributes }) => attributes["waymeet.reason"]).sort(), [
      "none",
      "none",
      "wrong-network",
    ]);
    assert.ok(handshakes.every(({ start, end }) => start <= end && end - start < 60_000));
    assert.ok(handshakes.every(({ attributes }) => attributes["client.address"] === "192.0.2.1"));
    assert.deepEqual(handshakes.map(({ failed }) => failed).sort(), [false, false, true]);
    const [attempt] = spans.filter(({ name }) => name === "waymeet.attempt");
    assert.deepEqual([attempt!.attributes["waymeet.outcome"], attempt!.failed], ["peer-gone", true]);
    const forwards = spans.filter(({ name }) => name === "waymeet.forward");
    assert.equal(forwards.length, 2, "the first message and the one after the sample");
    assert.equal(forwards[0]!.attributes["waymeet.frames"], 1);
  });

  it("does nothing and costs nothing to whom nobody listens", async () => {
    const node = await memoryNode();
    assert.ok((await meetInMemory(node)).isReady);
  });

  it("of a collector that is gone is no obstacle, and a URL that is none is told", async () => {
    const node = await memoryNode();
    const telemetry = await exportTelemetry(node, { url: "http://127.0.0.1:9" });
    assert.ok((await meetInMemory(node)).isReady);
    const began = performance.now();
    await telemetry[Symbol.asyncDispose]();
    assert.ok(performance.now() - began < 60_000);
    await assert.rejects(exportTelemetry(node, { url: "localhost:4318" }), /such as http:\/\/localhost:4318/);
  });

  it("has what lies between two bounds of a histogram, not what lies below", async () => {
    collector = await Collector.open();
    const node = await memoryNode();
    const metrics: NodeMetrics = node.metrics;
    for (const seconds of [0.5, 5, 5, 3_000_000]) metrics.ended(Reason.closed, seconds * 1_000);
    await (await exportTelemetry(node, { url: `${collector.url}/` }))[Symbol.asyncDispose]();
    const { bounds, counts, sum, count } = collector.metrics.get("waymeet_session_duration_seconds")!
      .histogram!;
    assert.deepEqual([bounds.length + 1, counts.slice(0, 3), counts.at(-1), sum, count], [
      counts.length,
      [1, 2, 0],
      1,
      3_000_010.5,
      4,
    ]);
  });
});
