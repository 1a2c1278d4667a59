import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { meshOf, type ServeChoices } from "../../src/cli/serve_options.ts";
import { statusText } from "../../src/cli/status.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";

const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(52)) as [PeerId, PeerId, PeerId];

describe("the status of a mesh", () => {
  it("names each node with its state, how it is reached, and its peers", () => {
    const text = statusText({
      id: a,
      epoch: 1,
      members: [
        {
          node: b,
          state: "alive",
          epoch: 1,
          urls: ["wss://b.example/"],
          session: { rtt: 12.34, seconds: 5, dialledHere: true },
        },
        { node: c, state: "suspect", epoch: 1, urls: [], route: { hop: b, hops: 2 } },
      ],
      edges: [],
      presence: {
        peers: 3,
        origins: [{ origin: a, epoch: 1, version: 1, peers: 1 }, {
          origin: b,
          epoch: 1,
          version: 9,
          peers: 2,
        }],
      },
      forwarded: { framesIn: 4, framesOut: 5, bytesOut: 6 },
      refusals: { "wrong-token": 7 },
    });
    assert.deepEqual(text.split("\n"), [
      `node ${a}, 1 peers here, 3 in the network`,
      `  ${b} alive, session 12.3 ms, 2 peers, wss://b.example/`,
      `  ${c} suspect, through bbbbbbbb…, 2 hops, 0 peers`,
      "forwarded 5 frames to other nodes, 4 from them",
      "refused 7: wrong-token",
      "",
    ]);
  });
});

describe("the mesh options of serve", () => {
  const mesh = (choices: Partial<ServeChoices>) => meshOf(choices as ServeChoices, (text) => text as PeerId);

  it("make no mesh when nothing is said", () => assert.equal(mesh({}), undefined));
  it("need a token or a list of nodes", () => {
    assert.throws(() => mesh({ join: ["ws://127.0.0.1"] }), /--mesh-token SECRET/);
    assert.deepEqual(mesh({ meshAllow: [a] })?.allow, [a]);
    assert.equal(mesh({ meshToken: "a token of this network" })?.token, "a token of this network");
  });
});
