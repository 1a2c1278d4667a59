import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { generateIdentity } from "../../src/identity/identity.ts";
import { issueToken } from "../../src/rendezvous/access.ts";
import { meetInMemory, memoryNode, stopNodes, until } from "./peers.ts";

describe("logs of a node", () => {
  afterEach(async () => {
    await stopNodes();
    await reset();
  });

  it("tell every change with its reason as properties, and no secrets", async () => {
    const records: LogRecord[] = [];
    await configure({
      reset: true,
      sinks: { list: (record: LogRecord) => void records.push(record) },
      loggers: [
        { category: "waymeet", lowestLevel: "debug", sinks: ["list"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["list"] },
      ],
    });
    const [issuer, identity] = [await generateIdentity(), await generateIdentity()];
    const token = await issueToken(issuer, { peer: identity.id, network: "default", ttl: 60 });
    const node = await memoryNode({ access: { kind: "token", issuers: [issuer.id] } });
    const peer = await meetInMemory(node, { identity, token });
    await meetInMemory(node);
    node.disconnect(peer.identity.id, "tidying up");
    await until(() => peer.end !== undefined);
    await node.drain();
    const events = records.map(({ properties }) => properties.event).filter((event) => event !== undefined);
    assert.deepEqual(events, ["established", "refused", "lost"]);
    const lost = records.find(({ properties }) => properties.event === "lost")!.properties;
    assert.deepEqual([lost.reason, lost.text, lost.node], ["disconnected", "tidying up", node.id]);
    assert.ok(records.some(({ rawMessage }) => String(rawMessage).startsWith("drained")));
    assert.ok(records.every(({ category }) => category.join(".") === "waymeet.node"));
    assert.ok(!JSON.stringify(records).includes(token.slice(-40)));
  });
});
