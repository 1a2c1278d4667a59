import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { meshMemoryFile } from "../../edge/mesh_memory_file.ts";
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
      discovery: {
        dns: { name: "_waymeet._tcp.x.example", found: 2, asked: 5, failed: 1, problem: "no answer" },
        places: { list: 1 },
      },
      refusals: { "wrong-token": 7 },
    });
    assert.deepEqual(text.split("\n"), [
      `node ${a}, 1 peers here, 3 in the network`,
      `  ${b} alive, session 12.3 ms, 2 peers, wss://b.example/`,
      `  ${c} suspect, through bbbbbbbb…, 2 hops, 0 peers`,
      "_waymeet._tcp.x.example names 2 nodes; asked 5 times, in vain 1 times, now: no answer",
      "forwarded 5 frames to other nodes, 4 from them",
      "refused 7: wrong-token",
      "",
    ]);
  });
});

describe("the mesh options of serve", () => {
  const mesh = (choices: Partial<ServeChoices>) =>
    meshOf(choices as ServeChoices, (text) => text as PeerId, meshMemoryFile);

  it("make no mesh when nothing is said", () => assert.equal(mesh({}), undefined));
  it("need a token or a list of nodes", () => {
    assert.throws(() => mesh({ join: ["ws://127.0.0.1"] }), /--mesh-token SECRET/);
    assert.deepEqual(mesh({ meshAllow: [a] })?.allow, [a]);
    assert.throws(() => mesh({ discover: "example.org" }), /--mesh-token SECRET/);
    assert.equal(mesh({ meshToken: "a token of this network" })?.token, "a token of this network");
  });
  it("take no other source beside a fixed list", () => {
    const fixed: Partial<ServeChoices> = { meshAllow: [a], meshFixed: true };
    assert.equal(mesh(fixed)?.fixed, true);
    assert.throws(() => mesh({ ...fixed, discover: "example.org" }), /leave out --discover/);
    assert.throws(() => mesh({ ...fixed, meshMemory: "nodes.json" }), /--mesh-memory/);
  });
  it("leave the URL to the node, but for `none`", () => {
    assert.equal(mesh({ meshAllow: [a] })?.urls, undefined);
    assert.deepEqual(mesh({ meshAllow: [a], meshUrl: ["none"] })?.urls, []);
    assert.deepEqual(mesh({ meshAllow: [a], meshUrl: ["wss://x/"] })?.urls, ["wss://x/"]);
  });
});
