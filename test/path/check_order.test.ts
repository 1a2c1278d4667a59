import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { areNeighbours, inCheckOrder } from "../../src/path/check_order.ts";

const candidate = (kind: string, address: string): { type: "candidate"; candidate: string; mid: string } => ({
  type: "candidate",
  candidate: `candidate:1 1 UDP 2114977791 ${address} 48636 typ ${kind}`,
  mid: "0",
});
const ours = [candidate("host", "192.168.2.2"), candidate("srflx", "203.0.113.10")];

describe("the order of connectivity checks", () => {
  it("puts the address that a STUN server saw before one of another private network", () => {
    const [host, name, seen] = [
      candidate("host", "192.168.1.2"),
      candidate("host", "0f0e.local"),
      candidate("srflx", "203.0.113.6"),
    ];
    assert.deepEqual(inCheckOrder([host, name, seen], ours), [seen, host, name]);
  });
  it("stays as told behind one public address, where the private network is in common", () => {
    const theirs = [candidate("host", "192.168.2.3"), candidate("srflx", "203.0.113.10")];
    assert.deepEqual(inCheckOrder(theirs, ours), theirs);
  });
  it("stays as told for addresses that everybody can reach", () => {
    for (const address of ["198.51.100.7", "2001:db8::7", "172.32.0.1", "100.128.0.1", "fec0::1"]) {
      const theirs = [candidate("host", address), candidate("srflx", "203.0.113.6")];
      assert.deepEqual(inCheckOrder(theirs, ours), theirs);
    }
    for (
      const address of [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.0.1",
        "100.64.0.1",
        "100.127.0.1",
        "fd00::1",
        "fe80::1",
      ]
    ) {
      const theirs = [candidate("host", address), candidate("srflx", "203.0.113.6")];
      assert.deepEqual(inCheckOrder(theirs, ours), theirs.toReversed());
    }
  });
  it("knows neighbours by a network in common, and by nothing between them", () => {
    const near = (theirs: string[], mine: string[]) =>
      areNeighbours(
        theirs.map((address) => candidate(address.startsWith("203") ? "srflx" : "host", address)),
        mine.map((address) => candidate(address.startsWith("203") ? "srflx" : "host", address)),
      );
    assert.ok(near(["192.168.2.3", "203.0.113.10"], ["192.168.2.2", "203.0.113.10"]));
    assert.ok(near(["10.9.9.1"], ["10.9.9.2"]));
    assert.ok(near(["2001:db8:1:2::1"], ["2001:db8:1:2::2"]));
    assert.ok(
      !near(["192.168.2.3", "203.0.113.6"], ["192.168.2.2", "203.0.113.10"]),
      "two homes numbered alike",
    );
    assert.ok(
      !near(["192.168.1.3", "203.0.113.10"], ["192.168.2.2", "203.0.113.10"]),
      "two homes of a carrier",
    );
    assert.ok(!near(["192.168.2.3"], ["192.168.2.2", "203.0.113.10"]));
    assert.ok(!near(["2001:db8:1:2::1"], ["2001:db8:1:3::1"]));
  });
  it("loses none and invents none, whatever is told", () => {
    const any = fc.array(
      fc.string().map((text) => ({ type: "candidate" as const, candidate: text, mid: "0" })),
    );
    fc.assert(fc.property(any, any, (theirs, ours) => {
      const ordered = inCheckOrder(theirs, ours);
      assert.deepEqual(new Set(ordered), new Set(theirs));
      assert.equal(ordered.length, theirs.length);
    }));
  });
});
