import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Hono } from "hono";
import type { NodeApp } from "../../src/rendezvous/bindings.ts";
import { clientAddress } from "../../src/rendezvous/proxies.ts";
import { type Listen, startNode } from "../../src/rendezvous/serve.ts";

const xff = (value: string) => new Headers({ "x-forwarded-for": value });
const rfc7239 = (value: string) => new Headers({ forwarded: value });

describe("the address of a client", () => {
  it("is that of the connection when it comes from no trusted proxy, whatever the headers say", () => {
    const client = clientAddress({ from: ["10.0.0.0/8"] });
    assert.equal(client("198.51.100.1", xff("192.0.2.9")), "198.51.100.1");
    assert.equal(client("11.0.0.1", xff("192.0.2.9")), "11.0.0.1");
    assert.equal(client("", xff("192.0.2.9")), "");
  });

  it("is what the nearest trusted proxy wrote, and not what stands left of it", () => {
    const client = clientAddress({ from: ["10.0.0.7", "192.168.0.0/16"] });
    assert.equal(client("10.0.0.7", xff("1.2.3.4, 192.0.2.9")), "192.0.2.9");
    assert.equal(client("10.0.0.7", xff("1.2.3.4, 192.0.2.9, 192.168.3.4")), "192.0.2.9");
    assert.equal(client("10.0.0.8", xff("192.0.2.9")), "10.0.0.8");
  });

  it("is read of IPv4 in IPv6, of ports and of brackets", () => {
    const client = clientAddress({ from: ["loopback", "fd00::/8"] });
    assert.equal(client("::ffff:127.0.0.1", xff("192.0.2.9:4711")), "192.0.2.9");
    assert.equal(client("::1", xff("2001:DB8:0::9")), "2001:db8::9");
    assert.equal(client("fd12::3", xff("[2001:db8::9]:443")), "2001:db8::9");
    assert.equal(client("fe12::3", xff("192.0.2.9")), "fe12::3");
  });

  it("is the proxy's own when that says nothing of use", () => {
    const client = clientAddress({ from: ["private"] });
    for (const value of ["", "unknown", "192.0.2.9, unknown", "192.0.2.9,", "1.2.3", "_hidden"]) {
      assert.equal(client("172.31.0.1", xff(value)), "172.31.0.1", value);
    }
    assert.equal(client("172.32.0.1", xff("192.0.2.9")), "172.32.0.1");
  });

  it("is read from the Forwarded header where that was chosen, and from no other", () => {
    const client = clientAddress({ from: ["10.0.0.0/8"], header: "forwarded" });
    assert.equal(client("10.0.0.1", xff("192.0.2.9")), "10.0.0.1");
    assert.equal(
      client("10.0.0.1", rfc7239("for=1.2.3.4, proto=https;FOR=192.0.2.9;by=10.0.0.1")),
      "192.0.2.9",
    );
    assert.equal(client("10.0.0.1", rfc7239('for="[2001:db8:cafe::17]:4711"')), "2001:db8:cafe::17");
    assert.equal(client("10.0.0.1", rfc7239('for=192.0.2.9, for="10.1.1.1:99"')), "192.0.2.9");
    assert.equal(client("10.0.0.1", rfc7239("for=unknown")), "10.0.0.1");
    const default_ = clientAddress({ from: ["10.0.0.0/8"] });
    assert.equal(default_("10.0.0.1", rfc7239("for=192.0.2.9")), "10.0.0.1");
  });

  it("is not hidden by a quote that the client left open", () => {
    const client = clientAddress({ from: ["10.0.0.0/8"], header: "forwarded" });
    assert.equal(client("10.0.0.1", rfc7239('for=", for=192.0.2.9')), "192.0.2.9");
  });

  it("is looked for among the nearest proxies alone, however many a client names", () => {
    const client = clientAddress({ from: ["loopback"] });
    const named = (proxies: number) =>
      new Headers({ "x-forwarded-for": `192.0.2.1${",::1".repeat(proxies)}` });
    assert.equal(client("127.0.0.1", named(31)), "192.0.2.1");
    assert.equal(client("127.0.0.1", named(7_000)), "::1");
  });

  it("is never one that only a client wrote", () => {
    const proxied = fc.constantFrom("x-forwarded-for" as const, "forwarded" as const);
    const lies = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[ -~]*$/)));
    fc.assert(fc.property(proxied, lies, (header, lies) => {
      const client = clientAddress({ from: ["10.0.0.1"], header });
      const truth = header === "forwarded" ? "for=192.0.2.9" : "192.0.2.9";
      const headers = new Headers({ [header]: [...lies, truth].join(", ") });
      assert.equal(client("10.0.0.1", headers), "192.0.2.9");
    }));
  });

  it("cannot be read by prefixes that are none", () => {
    for (
      const from of ["10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "fd00::/129", "example.org", "10.0.0.0/-1", ""]
    ) {
      assert.throws(() => clientAddress({ from: [from] }), TypeError, from);
    }
  });

  it("is what a node goes by, behind the proxies it trusts", async () => {
    const seen: unknown[] = [];
    const within = () =>
      new Hono<NodeApp>().get("*", (c) => {
        seen.push(c.env.address);
        return c.text("");
      });
    const listen: Listen = async (_address, app) => {
      for (const address of ["10.0.0.1", "10.0.0.2"]) {
        await app.fetch(new Request("http://node/", { headers: xff("192.0.2.9") }), { address });
      }
      return { port: 1, close: () => Promise.resolve() };
    };
    const proxies = { from: ["10.0.0.1"] };
    await assert.rejects(startNode({ proxies }, listen), /behind proxies can be reached from elsewhere/);
    const node = await startNode(
      { within, proxies, access: { kind: "open" }, names: ["meet.example.org"] },
      listen,
    );
    assert.equal(node.dashboard, undefined);
    await node.stop({ graceMs: 0 });
    assert.deepEqual(seen, ["192.0.2.9", "10.0.0.2"]);
  });
});
