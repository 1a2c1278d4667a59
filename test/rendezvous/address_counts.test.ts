import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressCounts } from "../../src/rendezvous/address_counts.ts";

describe("sessions by address", () => {
  it("are counted by IPv4 address and IPv6 /64, and given back", () => {
    const counts = new AddressCounts();
    for (const address of ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::ffff:1"]) {
      counts.enter(address);
    }
    assert.deepEqual(
      ["192.0.2.1", "192.0.2.2", "2001:db8::5", "2001:db8:0:1::"].map((each) => counts.of(each)),
      [
        ...[2, 0, 2, 0],
      ],
    );
    counts.leave("192.0.2.1");
    assert.equal(counts.of("192.0.2.1"), 1);
  });

  it("are not counted on loopback, where one proxy may be thousands, nor where nobody tells the address", () => {
    const counts = new AddressCounts();
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""]) {
      counts.enter(address);
      assert.equal(counts.of(address), 0, address);
      counts.leave(address);
    }
  });
});
