import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { bindUdp } from "../../edge/udp.ts";
import { type DoctorReport, outlook, reportJson, reportText } from "../../src/cli/doctor_report.ts";
import { checkNat } from "../../src/cli/nat_check.ts";
import { checkNode } from "../../src/cli/node_check.ts";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { parseAddress } from "../../src/stun/address.ts";
import type { Filtering, Mapping } from "../../src/stun/behaviour.ts";
import type { Discovery } from "../../src/stun/discovery.ts";
import { connect, serve } from "../rendezvous/runtime.ts";
import { command } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-doctor-"));
after(() => rmSync(home, { recursive: true, force: true }));

async function withNode(options: ServeOptions, run: (node: RunningNode) => Promise<void>): Promise<void> {
  const node = await serve({ port: 0, ...options });
  try {
    await run(node);
  } finally {
    await node.stop();
  }
}

const check = { network: "default", connect, deadline: 2_000 };
const quick = { rto: 100, rc: 2, rm: 2 };

describe("waymeet doctor at a real node", () => {
  it("tells each address, the times, the clock, and that no NAT is between", () =>
    withNode({ host: ["127.0.0.1", "127.0.0.2"], stunPorts: [0, 0] }, async (node) => {
      const { exitCode, output, errors } = await command(["doctor", node.url, "--json"], { home });
      assert.equal(exitCode, 0, errors);
      const report = JSON.parse(output);
      const [one] = report.nodes;
      assert.equal(one.url, node.url);
      assert(one.hello > 0 && one.ready >= one.hello && one.rtt > 0);
      assert(Math.abs(one.clockOffset) < 1_000, "one machine, one clock");
      assert.equal(one.seenAs, "127.0.0.1");
      assert.deepEqual(one.addresses.map(({ address }: { address: string }) => address), ["127.0.0.1"]);
      assert(one.addresses[0].connect > 0);
      assert.deepEqual(one.stun, node.stunPorts.map((port) => `stun:127.0.0.1:${port}`));
      const { ipv4, ipv6 } = report.udp;
      assert.equal(ipv6.state, "untested");
      assert.deepEqual([ipv4.state, ipv4.mapping, ipv4.filtering], [
        "open",
        "no-nat",
        "endpoint-independent",
      ]);
      assert.equal(ipv4.servers.length, 4, "two told, and the two of the other address");
      assert.equal(report.outlook, "any-peer");
    }));
  it("says the same in words", () =>
    withNode({ stunPorts: [0, 0] }, async (node) => {
      const { output } = await command(["doctor", node.url], { home });
      assert.match(
        output,
        /^ws:\/\/127\.0\.0\.1:\d+\n {2}hello after .* ms, session after .* ms, round trip/,
      );
      assert.match(output, /^ {2}IPv4 127\.0\.0\.1 reachable in .* ms$/m);
      assert.match(output, /^UDP over IPv4: open; mapping no-nat, filtering not-port-dependent$/m);
      assert.match(output, /^ {2}127\.0\.0\.1:\d+ sees 127\.0\.0\.1:\d+, .* ms$/m);
      assert.match(output, /^Direct paths will open with most peers/m);
    }));
  it("works over IPv6", () =>
    withNode({ host: "::1", stunPorts: [0, 0] }, async (node) => {
      const found = await checkNode(node.url, check);
      assert.deepEqual(found.addresses.map(({ family }) => family), [6]);
      const { ipv4, ipv6 } = await checkNat(found.welcome!.stun, bindUdp, quick);
      assert.equal(ipv4, undefined);
      assert.deepEqual([ipv6!.udp, ipv6!.mapping], [true, "no-nat"]);
    }));
  it("says why a node lets nobody in, and still asks its own questions", () =>
    withNode({ access: { kind: "allow-list", peers: new Set() } }, async (node) => {
      const stun = `stun:127.0.0.1:${node.stunPorts[0]}`;
      const { exitCode, output, errors } = await command(["doctor", node.url, stun, "--json"], { home });
      assert.equal(exitCode, 1);
      assert.match(errors, /no session with/);
      const report = JSON.parse(output);
      assert.match(report.nodes[0].error, /list|allow|unauthorized/);
      assert.equal(report.udp.ipv4.state, "open");
    }));
  it("ends when nothing answers at all", async () => {
    const silent = await bindUdp({ host: "127.0.0.1", port: 0 }, () => {});
    const [node, nat] = await Promise.all([
      checkNode("ws://127.0.0.1:9", check),
      checkNat([`stun:127.0.0.1:${silent.port}`], bindUdp, quick),
    ]);
    await silent.close();
    assert(node.error !== undefined && node.ready === undefined);
    assert.equal(node.addresses[0]!.connect, undefined);
    assert.equal(nat.ipv4!.udp, false);
    assert.equal(outlook(nat), "relay-only");
  });
  it("ends when the name of a node or server does not exist", async () => {
    const node = await checkNode("wss://nowhere.invalid", check);
    assert.deepEqual(node.addresses, []);
    assert(node.error);
    assert.deepEqual(await checkNat(["stun:nowhere.invalid"], bindUdp, quick), {
      ipv4: undefined,
      ipv6: undefined,
    });
  });
});

describe("what the doctor expects", () => {
  const found = (mapping: Mapping, filtering: Filtering = "unknown", udp = true): Discovery => {
    const server = parseAddress("192.0.2.1", 3478)!;
    return { udp, mapping, filtering, servers: [udp ? { server, mapped: server, rtt: 1 } : { server }] };
  };
  const report = (ipv4?: Discovery, ipv6?: Discovery): DoctorReport => ({ nodes: [], nat: { ipv4, ipv6 } });

  it("is in plain words for every kind of NAT", () => {
    const table: [Discovery | undefined, RegExp][] = [
      [found("no-nat", "endpoint-independent"), /every peer that has UDP/],
      [found("no-nat", "address-and-port-dependent"), /open with most peers/],
      [found("endpoint-independent", "endpoint-independent"), /every peer that has UDP/],
      [found("endpoint-independent", "address-dependent"), /open with most peers/],
      [found("port-independent"), /open with most peers/],
      [found("address-dependent"), /only with peers that anybody can reach/],
      [found("address-and-port-dependent"), /only with peers that anybody can reach/],
      [found("endpoint-dependent"), /only with peers that anybody can reach/],
      [found("unknown"), /name one more/],
      [found("unknown", "unknown", false), /stay on relay/],
      [undefined, /name one more/],
    ];
    for (const [discovery, words] of table) assert.match(reportText(report(discovery)), words);
  });
  it("of two families is the better one's", () => {
    const blocked = found("unknown", "unknown", false);
    assert.equal(outlook(report(blocked, found("no-nat", "endpoint-independent")).nat), "any-peer");
    assert.equal(outlook(report(found("address-and-port-dependent"), blocked).nat), "open-peers-only");
  });
  it("names a clock that is far off", () => {
    const node = { url: "wss://a.example", addresses: [], ready: 1, clockOffset: -90_000 };
    assert.match(reportText({ nodes: [node], nat: {} }), /its clock is 90\.0 s behind this machine's/);
    assert.match(reportText({ nodes: [{ ...node, clockOffset: 5 }], nat: {} }), /clocks agree within 0\.1 s/);
  });
  it("is JSON without anything that JSON cannot say", () => {
    const json = reportJson(report(found("no-nat")));
    assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
  });
});
