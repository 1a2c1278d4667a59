import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseAddress, type TransportAddress } from "../../src/stun/address.ts";
import { filteringOf, type Mapping, mappingOf, type Outlook, outlookOf } from "../../src/stun/behaviour.ts";
import { discover, type Discovery } from "../../src/stun/discovery.ts";
import { encodeMessage } from "../../src/stun/message.ts";
import {
  bindingRequest,
  type DatagramPort,
  RETRANSMISSION,
  schedule,
  StunClient,
} from "../../src/stun/transaction.ts";
import { xorAddressAttribute } from "../../src/stun/values.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { type Dependence, type NatKind, NatWorld } from "./nat_world.ts";

const TIMING = { rto: 500, rc: 3, rm: 4 };

async function found(world: NatWorld, servers: TransportAddress[]): Promise<Discovery> {
  let result: Discovery | undefined;
  const done = discover(() => world.open(), servers, TIMING).then((report) => void (result = report));
  await world.clock.advance(60_000);
  await done;
  assert.equal(world.clock.timers, 0, "no timer is left");
  return result!;
}

const DEPENDENCES: Dependence[] = ["nothing", "address", "address-and-port"];
const TERMS: Record<Dependence, "endpoint-independent" | "address-dependent" | "address-and-port-dependent"> =
  {
    nothing: "endpoint-independent",
    address: "address-dependent",
    "address-and-port": "address-and-port-dependent",
  };

describe("the behaviour of a NAT", () => {
  for (const mapping of DEPENDENCES) {
    for (const filtering of DEPENDENCES) {
      it(`is found with a server of RFC 5780: mapping ${TERMS[mapping]}, filtering ${TERMS[filtering]}`, async () => {
        const world = new NatWorld({ mapping, filtering });
        const report = await found(world, [world.serve(["192.0.2.1", "192.0.2.2"], [3478, 3479])]);
        assert.equal(report.udp, true);
        assert.equal(report.mapping, TERMS[mapping]);
        assert.equal(report.filtering, TERMS[filtering]);
        assert.equal(report.servers.length, 3);
      });
    }
  }
  it("is told as far as two ports of one address allow", async () => {
    const cases: [NatKind, Mapping, string][] = [
      [{ mapping: "nothing", filtering: "nothing" }, "port-independent", "not-port-dependent"],
      [{ mapping: "address", filtering: "address" }, "port-independent", "not-port-dependent"],
      [
        { mapping: "nothing", filtering: "address-and-port" },
        "port-independent",
        "address-and-port-dependent",
      ],
      [
        { mapping: "address-and-port", filtering: "address-and-port" },
        "address-and-port-dependent",
        "address-and-port-dependent",
      ],
    ];
    for (const [nat, mapping, filtering] of cases) {
      const world = new NatWorld(nat);
      const first = world.serve(["192.0.2.1"], [3478, 3479]);
      const report = await found(world, [first, { ...first, port: 3479 }]);
      assert.deepEqual([report.mapping, report.filtering], [mapping, filtering]);
    }
  });
  it("is told as far as one port of each of two nodes allows", async () => {
    for (
      const [mapping, expected] of [
        ["nothing", "endpoint-independent"],
        ["address", "endpoint-dependent"],
        ["address-and-port", "endpoint-dependent"],
      ] as const
    ) {
      const world = new NatWorld({ mapping, filtering: "address-and-port" });
      const report = await found(world, [
        world.serve(["192.0.2.1"], [3478]),
        world.serve(["192.0.2.9"], [3478]),
      ]);
      assert.equal(report.mapping, expected);
      assert.equal(report.filtering, "unknown", "neither server can answer from elsewhere");
    }
  });
  it("is unknown with one port of one node", async () => {
    const world = new NatWorld({ mapping: "address-and-port", filtering: "address-and-port" });
    const report = await found(world, [world.serve(["192.0.2.1"], [3478])]);
    assert.deepEqual([report.udp, report.mapping, report.filtering], [true, "unknown", "unknown"]);
  });
  it("is no NAT where the own address comes back, and a firewall may filter all the same", async () => {
    for (
      const [nat, filtering] of [
        [{}, "endpoint-independent"],
        [{ filtering: "address-and-port" }, "address-and-port-dependent"],
      ] as [NatKind, string][]
    ) {
      const world = new NatWorld(nat);
      const report = await found(world, [world.serve(["192.0.2.1", "192.0.2.2"], [3478, 3479])]);
      assert.deepEqual([report.mapping, report.filtering], ["no-nat", filtering]);
    }
  });
  it("is UDP blocked where nobody answers, and the wait has an end", async () => {
    const world = new NatWorld({ blocked: true });
    const report = await found(world, [world.serve(["192.0.2.1"], [3478])]);
    assert.deepEqual(report, {
      udp: false,
      mapping: "unknown",
      filtering: "unknown",
      servers: [{ server: parseAddress("192.0.2.1", 3478)! }],
    });
  });
  it("is found although single datagrams are lost", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (lost) => {
        const world = new NatWorld({ mapping: "address", filtering: "address" });
        world.lost = new Set([lost]);
        const report = await found(world, [world.serve(["192.0.2.1", "192.0.2.2"], [3478, 3479])]);
        assert.deepEqual([report.mapping, report.filtering], ["address-dependent", "address-dependent"]);
      }),
      { numRuns: 12 },
    );
  });
});

describe("what observations tell", () => {
  const at = (text: string, port: number) => parseAddress(text, port)!;
  const notOwn = () => false;
  it("does not depend on their order", () => {
    const servers = [at("192.0.2.1", 1), at("192.0.2.1", 2), at("192.0.2.2", 1), at("192.0.2.2", 2)];
    const some = fc.shuffledSubarray(servers.map((_, i) => i));
    const outer = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 });
    fc.assert(fc.property(some, outer, (chosen, ports) => {
      const one = chosen.map((i) => ({ server: servers[i]!, mapped: at("198.51.100.1", ports[i]!) }));
      assert.equal(mappingOf(one, notOwn), mappingOf(one.toReversed(), notOwn));
    }));
  });
  it("counts an outer address that changes as another mapping", () => {
    const one = { server: at("192.0.2.1", 1), mapped: at("198.51.100.1", 7) };
    const two = { server: at("192.0.2.2", 1), mapped: at("198.51.100.2", 7) };
    assert.equal(mappingOf([one, two], notOwn), "endpoint-dependent");
    assert.equal(mappingOf([one, one], notOwn), "unknown");
    assert.equal(mappingOf([], () => true), "unknown");
  });
  it("leaves out servers on this side of the NAT", () => {
    const inside = { server: at("10.0.0.1", 1), mapped: at("10.0.0.9", 5) };
    const one = { server: at("192.0.2.1", 1), mapped: at("198.51.100.1", 7) };
    const two = { server: at("192.0.2.2", 1), mapped: at("198.51.100.1", 7) };
    const isOwn = (mapped: TransportAddress) => mapped.ip[0] === 10;
    assert.equal(mappingOf([inside, one, two], isOwn), "endpoint-independent");
    assert.equal(mappingOf([inside, one], isOwn), "unknown");
    assert.equal(mappingOf([inside], isOwn), "no-nat");
  });
  it("of the filter follows RFC 5780 §4.4", () => {
    assert.equal(filteringOf({ both: "answered", port: "answered" }), "endpoint-independent");
    assert.equal(filteringOf({ both: "silent", port: "answered" }), "address-dependent");
    assert.equal(filteringOf({ both: "silent", port: "silent" }), "address-and-port-dependent");
    assert.equal(filteringOf({ both: "not-offered", port: "answered" }), "not-port-dependent");
    assert.equal(filteringOf({ both: "not-offered", port: "silent" }), "address-and-port-dependent");
    assert.equal(filteringOf({ both: "not-offered", port: "not-offered" }), "unknown");
  });
  it("comes to what peers may expect", () => {
    const outlook = (mapping: Mapping, filtering: "endpoint-independent" | "unknown", udp = true): Outlook =>
      outlookOf({ udp, mapping, filtering });
    assert.equal(outlook("no-nat", "endpoint-independent"), "any-peer");
    assert.equal(outlook("no-nat", "unknown"), "most-peers");
    assert.equal(outlook("endpoint-independent", "unknown"), "most-peers");
    assert.equal(outlook("port-independent", "unknown"), "most-peers");
    assert.equal(outlook("endpoint-dependent", "endpoint-independent"), "open-peers-only");
    assert.equal(outlook("unknown", "unknown"), "unknown");
    assert.equal(outlook("unknown", "unknown", false), "relay-only");
  });
});

describe("a transaction", () => {
  it("is sent at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms and given up at 39500 (RFC 8489 §6.2.1)", async () => {
    assert.deepEqual(schedule(RETRANSMISSION), [0, 500, 1500, 3500, 7500, 15_500, 31_500, 39_500]);
    const world = new NatWorld({ blocked: true });
    const { client } = await world.open();
    let ended = -1;
    const done = client.ask(parseAddress("192.0.2.1", 1)!).then((answer) => {
      assert.equal(answer, undefined);
      ended = world.clock.now();
    });
    await world.clock.advance(40_000);
    await done;
    assert.equal(ended, 39_500);
  });
  it("ends with the first answer, whose round trip counts from the last sending", async () => {
    const world = new NatWorld({});
    world.lost = new Set([1]);
    const server = world.serve(["192.0.2.1"], [3478]);
    const { client } = await world.open();
    const asked = client.ask(server);
    await world.clock.advance(1_000);
    const answer = await asked;
    assert(answer?.type === "mapped");
    assert.equal(answer.rtt, 40);
    assert.equal(world.sent, 2);
    assert.equal(world.clock.timers, 0);
  });
  it("is not ended by datagrams of strangers who do not know its id", async () => {
    const clock = new VirtualClock();
    const port: DatagramPort = { send() {}, receive() {} };
    const client = new StunClient(port, clock, (length) => new Uint8Array(length).fill(1));
    const server = parseAddress("192.0.2.1", 1)!;
    const asked = client.ask(server, { timing: TIMING });
    const forged = (id: number) => {
      const transaction = new Uint8Array(12).fill(id);
      return encodeMessage({
        class: "success",
        method: 1,
        transaction,
        attributes: [xorAddressAttribute(server, transaction)],
      });
    };
    port.receive(forged(2), server);
    port.receive(bindingRequest(new Uint8Array(12).fill(1)), server);
    port.receive(new Uint8Array(30), server);
    await clock.advance(100);
    assert.equal(clock.timers, 3, "it still waits");
    port.receive(forged(1), server);
    assert.equal((await asked)?.type, "mapped");
  });
});
