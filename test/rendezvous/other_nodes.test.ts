import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Gauges, NodeMetrics } from "../../src/rendezvous/metrics.ts";
import { nodeLimits } from "../../src/rendezvous/node_limits.ts";
import { NEWS_DELAY, NEWS_INTERVAL, OtherNodes } from "../../src/rendezvous/other_nodes.ts";
import { Registry, Seat } from "../../src/rendezvous/registry.ts";
import type { Session } from "../../src/session/session.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { MAX_NODES } from "../../src/wire/limits.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

const NAMED = ["wss://named.example.org"];

/** A node with one peer, whose socket holds `buffered` bytes. */
function world(named: readonly string[] = NAMED, buffered: number = 0) {
  const clock = new VirtualClock();
  const registry = new Registry();
  const metrics = new NodeMetrics();
  const news: { at: number; urls: string[] }[] = [];
  const send = (bytes: Uint8Array) => {
    const frame = decodeControl(bytes);
    assert(frame?.kind === "nodes");
    news.push({ at: clock.now(), urls: frame.nodes });
  };
  registry.add(new Seat(new Uint8Array(32), { send, buffered } as unknown as Session));
  const met: string[] = [];
  const others = new OtherNodes({
    ...{ named, met: () => met, registry, limits: nodeLimits({}), metrics, clock },
  });
  return { clock, metrics, news, met, others };
}

describe("news of other nodes", () => {
  it("comes seldom, is new each time, and in the end is what is so", async () => {
    const change = fc.record({ wait: fc.nat(4_000), nodes: fc.array(fc.nat(20), { maxLength: 20 }) });
    await fc.assert(fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
      const { clock, news, met, others } = world();
      for (const { wait, nodes } of changes) {
        await clock.advance(wait);
        met.splice(0, met.length, ...nodes.map((node) => `wss://${node}.example.org`));
        others.changed();
      }
      await clock.advance(NEWS_INTERVAL);
      for (const [i, { at, urls }] of news.entries()) {
        const before = news[i - 1] ?? { at: -Infinity, urls: NAMED };
        assert(at - before.at >= NEWS_INTERVAL);
        assert.notDeepEqual(new Set(urls), new Set(before.urls));
        assert(urls.length <= MAX_NODES);
      }
      assert.deepEqual(new Set(news.at(-1)?.urls ?? NAMED), new Set(others.urls));
    }));
  });

  it("comes half a second after the first change", async () => {
    const { clock, news, met, others } = world();
    met.push("wss://a.example.org");
    others.changed();
    await clock.advance(NEWS_DELAY - 1);
    met.push("wss://b.example.org");
    others.changed();
    assert.equal(news.length, 0);
    await clock.advance(1);
    assert.deepEqual(news.map(({ urls }) => urls), [[...NAMED, ...met]]);
  });

  it("does not say that there is nobody: a node that is cut off does not know", async () => {
    const { clock, news, met, others } = world([]);
    met.push("wss://a.example.org");
    others.changed();
    await clock.advance(NEWS_INTERVAL);
    met.pop();
    others.changed();
    await clock.advance(NEWS_INTERVAL);
    assert.deepEqual(news.map(({ urls }) => urls), [["wss://a.example.org"]]);
  });

  it("is not put on a queue that is full, and is counted", async () => {
    for (const [buffered, told] of [[0, 1], [1e9, 0]]) {
      const { clock, metrics, met, others } = world(NAMED, buffered);
      met.push("wss://a.example.org");
      others.changed();
      await clock.advance(NEWS_INTERVAL);
      assert.equal(metrics.nodesTold, told);
      assert(
        metrics.expose({ id: "a", version: "1" } as Gauges).text.includes(`waymeet_nodes_told_total ${told}`),
      );
    }
  });

  it("ends when the node sends its peers away", async () => {
    const { clock, news, met, others } = world();
    met.push("wss://a.example.org");
    others.changed();
    others.stop();
    others.changed();
    await clock.advance(NEWS_INTERVAL);
    assert.deepEqual(news, []);
  });
});
