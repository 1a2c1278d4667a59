import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HEIGHT, layOut, WIDTH } from "../../src/dashboard/page/mesh_map.ts";
import { byLabel, readings } from "../../src/dashboard/page/prometheus.ts";
import { seriesOf } from "../../src/dashboard/page/series.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { NodeMetrics } from "../../src/rendezvous/metrics.ts";
import { Reason } from "../../src/wire/protocol.ts";

describe("the dashboard reads a scrape", () => {
  it("as the node writes it", () => {
    const metrics = new NodeMetrics();
    metrics.dropped(Reason.absent, 3);
    metrics.dropped(Reason.queueFull, 5);
    const gauges = {
      sessions: 7,
      handshakes: 0,
      watches: 0,
      attempts: 0,
      announcements: 0,
      pingsSent: 0,
      pongsMatched: 0,
      uptime: 1,
      version: "1",
      id: 'a"b\\',
    };
    const all = readings(metrics.expose(gauges).text);
    assert.equal(all.find(({ name }) => name === "waymeet_sessions")?.value, 7);
    assert.deepEqual(byLabel(all, "waymeet_frames_dropped_total", "reason"), [["queue-full", 5], [
      "absent",
      3,
    ]]);
    assert.equal(all.find(({ name }) => name === "waymeet_build_info")?.labels.id, 'a"b\\');
  });

  it("leaving out what is none", () => {
    assert.deepEqual(readings("# HELP x y\n\nnonsense\nx{a=} 1 2\n"), []);
  });
});

describe("the plots", () => {
  const sample = (at: number, framesOut: number) => ({ at, sessions: 1, framesOut, bytesOut: 0, dropped: 0 });

  it("show counters as rates", () => {
    const { framesPerSecond, times } = seriesOf([sample(0, 0), sample(2_000, 100), sample(4_000, 100)]);
    assert.deepEqual([times, framesPerSecond], [[0, 2, 4], [0, 50, 0]]);
  });

  it("count from zero after the node was restarted", () => {
    assert.deepEqual(seriesOf([sample(0, 1_000), sample(2_000, 10)]).framesPerSecond, [0, 5]);
  });
});

describe("the picture of a mesh", () => {
  const id = (letter: string) => letter.repeat(52) as PeerId;
  const mesh = (count: number): MeshStatus => {
    const others = Array.from({ length: count }, (_, i) => id(String.fromCharCode(98 + i)));
    return {
      id: id("a"),
      epoch: 1,
      members: others.map((node, i) => ({
        node,
        state: i === 0 ? "suspect" : "alive",
        epoch: 1,
        urls: [],
        session: { rtt: 5, seconds: 1, dialledHere: true },
      })),
      edges: others.map((node) => [id("a"), node]),
      presence: { peers: 2, origins: [] },
      forwarded: { framesIn: 0, framesOut: 0, bytesOut: 0 },
      discovery: { places: {} },
      refusals: {},
    };
  };

  it("has every node and session, inside the frame and apart from each other", () => {
    for (const count of [0, 1, 4, 11]) {
      const { nodes, lines } = layOut(mesh(count));
      assert.equal(nodes.length, count + 1);
      assert.equal(lines.length, count);
      for (const { x, y } of nodes) {
        assert.ok(x > 30 && x < WIDTH - 30 && y > 30 && y < HEIGHT - 30);
      }
      for (const [i, a] of nodes.entries()) {
        for (const b of nodes.slice(i + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 60);
      }
      assert.ok(lines.every(({ rtt }) => rtt === 5));
    }
  });
});
