import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFabric, type FabricChoices, fabricOf } from "../../src/cli/fabric_options.ts";
import { statusText } from "../../src/cli/status.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { FabricStatus } from "../../src/rendezvous/mesh_status.ts";

const [a, b] = ["a", "b"].map((letter) => letter.repeat(52)) as [PeerId, PeerId];
const network = "default";
const fabric = ["nats://127.0.0.1:9"];

describe("the options of a fabric", () => {
  it("are one way to join, not two", () => {
    checkFabric({ network });
    checkFabric({ network, fabric, natsCert: "a", natsKey: "b" });
    checkFabric({ network, join: ["ws://x"] });
    assert.throws(
      () => checkFabric({ network, fabric, meshToken: "x" }),
      /leave out --mesh-token, or --fabric/,
    );
    assert.throws(() => checkFabric({ network, fabric, join: [] }), /leave out --join, or --fabric/);
    assert.throws(() => checkFabric({ network, natsCreds: "x" }), /go with --fabric nats:\/\/host:4222/);
    assert.throws(() => checkFabric({ network, fabric, natsCert: "x" }), /takes both/);
  });

  it("that cannot be used are told with what to do", async () => {
    const tried = (choices: FabricChoices) => fabricOf({ network, ...choices });
    assert.equal(await tried({}), undefined);
    await assert.rejects(tried({ fabric }), {
      code: "node-unreachable",
      message: /start one \(nats-server\)/,
    });
    await assert.rejects(tried({ fabric: ["127.0.0.1:9"] }), {
      code: "usage",
      message: /nats:\/\/host:4222/,
    });
    await assert.rejects(tried({ fabric, natsCreds: "/nowhere/at.all" }), { message: /cannot be read/ });
  });
});

describe("the status of a node that NATS joins", () => {
  const status = (state: Partial<FabricStatus>) =>
    statusText({
      ...{ id: a, epoch: 1, edges: [], forwarded: { framesIn: 4, framesOut: 5, bytesOut: 6 }, refusals: {} },
      members: [{ node: b, state: "alive", epoch: 1, urls: [], route: { hop: b, hops: 1 } }],
      presence: { peers: 1, origins: [{ origin: b, epoch: 1, version: 9, peers: 1 }] },
      discovery: { places: {} },
      fabric: {
        ...{ kind: "nats", connected: true, server: "one:4222", problem: null, reconnections: 0, pending: 0 },
        ...{ messagesIn: 1, messagesOut: 1, bytesIn: 1, bytesOut: 1, questions: 0, answers: 0, drops: {} },
        ...state,
      },
    }).split("\n").slice(1, 3);

  it("says where it is joined, or that it is not and what holds it up", () => {
    assert.deepEqual(status({}), [`  ${b} alive, by NATS, 1 peers`, "joined by NATS at one:4222"]);
    assert.match(status({ reconnections: 2 })[1]!, /one:4222, 2 times again$/);
    const lost = status({ connected: false, problem: "one:4222: refused", drops: { disconnected: 7 } })[1]!;
    assert.match(
      lost,
      /^NOT joined: NATS is lost.*\(one:4222: refused\), 7 messages not sent: disconnected$/,
    );
  });
});
