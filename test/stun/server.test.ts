import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../../src/stun/address.ts";
import { StunServer } from "../../src/stun/server.ts";
import { SourceLimit } from "../../src/stun/source_limit.ts";
import { bindingRequest } from "../../src/stun/transaction.ts";

const limits = { perSecond: 10, burst: 20, totalPerSecond: 1_000, sources: 4 };
const from = (n: number) => parseAddress(`198.51.100.${n}`, 1)!;

describe("answers to one source", () => {
  it("are bounded: a burst, then so many a second, whatever the pattern", () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
    fc.assert(fc.property(pauses, (pauses) => {
      const limit = new SourceLimit(limits);
      let now = 0;
      let granted = 0;
      for (const pause of pauses) {
        now += pause;
        const isSpent = limit.isSpent(from(1), now);
        const verdict = limit.take(from(1), now);
        assert.equal(verdict === "rate", isSpent);
        if (verdict === "granted") granted++;
        assert(granted <= 20 + now / 100 + 1e-6);
      }
    }));
  });
  it("come back with time, and one source does not spend another's", () => {
    const limit = new SourceLimit(limits);
    for (let i = 0; i < 20; i++) assert.equal(limit.take(from(1), 0), "granted");
    assert.equal(limit.take(from(1), 0), "rate");
    assert.equal(limit.take(from(2), 0), "granted");
    assert.equal(limit.take(from(1), 100), "granted");
    assert.equal(limit.take(from(1), 100), "rate");
  });
  it("count for all ports, and for all of an IPv6 /64", () => {
    const limit = new SourceLimit({ ...limits, burst: 1 });
    const six = (text: string) => limit.take(parseAddress(text, 1)!, 0);
    assert.equal(six("2001:db8:0:1::1"), "granted");
    assert.equal(six("2001:db8:0:1:ffff::2"), "rate");
    assert.equal(six("2001:db8:0:2::1"), "granted");
    assert.equal(limit.take(from(1), 0), "granted");
    assert.equal(limit.take({ ...from(1), port: 2 }, 0), "rate");
  });
  it("need bounded memory: strangers beyond it wait until somebody's bucket is full again", () => {
    const limit = new SourceLimit(limits);
    for (let n = 1; n <= 4; n++) assert.equal(limit.take(from(n), 0), "granted");
    assert.equal(limit.take(from(5), 0), "total");
    assert.equal(limit.take(from(1), 50), "granted");
    assert.equal(
      limit.take(from(5), 100),
      "granted",
      "the second's bucket is full, and it was asked longest ago",
    );
    assert.equal(limit.size, 4);
  });
  it("and to all together are bounded, too", () => {
    const limit = new SourceLimit({ ...limits, totalPerSecond: 3, sources: 100 });
    const verdicts = [1, 2, 3, 4].map((n) => limit.take(from(n), 0));
    assert.deepEqual(verdicts, ["granted", "granted", "granted", "total"]);
  });
});

describe("the counts of a server", () => {
  it("tell what was answered, what not, and why", () => {
    const server = new StunServer(() => 0, { ...limits, burst: 2 });
    const arrival = {
      source: from(1),
      site: { addresses: [undefined], ports: [1] },
      spot: { address: 0, port: 0 },
    };
    const request = bindingRequest(new Uint8Array(12));
    assert(server.receive(request, arrival));
    assert(server.receive(bindingRequest(new Uint8Array(12), { ip: true, port: false }), arrival));
    assert.equal(server.receive(request, arrival), undefined);
    assert.equal(server.receive(new Uint8Array(3), arrival), undefined);
    const { answers, drops, datagrams, bytesIn, bytesOut } = server.counts;
    assert.deepEqual(answers, { success: 1, "unknown-attribute": 1 });
    assert.deepEqual(drops, { rate: 1, short: 1 });
    assert.equal(datagrams, 4);
    assert(bytesOut > 0 && bytesOut < bytesIn);
  });
});
