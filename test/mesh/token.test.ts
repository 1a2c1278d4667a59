import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { meshMac, type MeshSession, type MeshSide, verifyMeshMac } from "../../src/mesh/token.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const token = fc.string({ minLength: 16, maxLength: 40 });
const session: fc.Arbitrary<MeshSession> = fc.record(
  { network: fc.string({ maxLength: 8 }), challenge: key, dialer: key, acceptor: key },
  { noNullPrototype: true },
);
const side = fc.constantFrom<MeshSide>("dialer", "acceptor");

/** All that a proof stands for, as one comparable text. */
const identity = (token: string, s: MeshSession, side: MeshSide): string =>
  JSON.stringify([token, s.network, [...s.challenge], [...s.dialer], [...s.acceptor], side]);

describe("the proof of a network's token", () => {
  it("verifies for its own session, side, network and token", () => {
    fc.assert(
      fc.property(token, session, side, (token, session, side) => {
        assert.ok(verifyMeshMac(token, session, side, meshMac(token, session, side)));
      }),
    );
  });

  it("never verifies when one of them differs", () => {
    const changes = fc.record({ token, ...{ network: fc.string({ maxLength: 8 }) }, key, side }, {
      requiredKeys: [],
      noNullPrototype: true,
    });
    const place = fc.constantFrom("challenge" as const, "dialer" as const, "acceptor" as const);
    fc.assert(
      fc.property(token, session, side, changes, place, (token, session, speaker, change, place) => {
        const mac = meshMac(token, session, speaker);
        const other = {
          ...session,
          network: change.network ?? session.network,
          [place]: change.key ?? session[place],
        };
        const [otherToken, otherSide] = [change.token ?? token, change.side ?? speaker];
        const same = identity(token, session, speaker) === identity(otherToken, other, otherSide);
        assert.equal(verifyMeshMac(otherToken, other, otherSide, mac), same);
      }),
      { numRuns: 300 },
    );
  });

  it("cannot be sent back to the side that made it, nor serve with the keys exchanged", () => {
    fc.assert(
      fc.property(token, session, (token, session) => {
        const mac = meshMac(token, session, "dialer");
        assert.equal(verifyMeshMac(token, session, "acceptor", mac), false);
        const turned = { ...session, dialer: session.acceptor, acceptor: session.dialer };
        fc.pre(String(session.dialer) !== String(session.acceptor));
        assert.equal(verifyMeshMac(token, turned, "dialer", mac), false);
      }),
    );
  });

  it("with any byte changed, shortened or missing does not verify", () => {
    const keys = new Uint8Array(32);
    const session = { network: "main", challenge: keys, dialer: keys, acceptor: keys.map(() => 1) };
    const mac = meshMac("a long random token", session, "dialer");
    for (let i = 0; i < mac.length; i++) {
      const changed = mac.slice();
      changed[i]! ^= 1;
      assert.equal(verifyMeshMac("a long random token", session, "dialer", changed), false);
    }
    for (const wrong of [null, new Uint8Array(), mac.subarray(1)]) {
      assert.equal(verifyMeshMac("a long random token", session, "dialer", wrong), false);
    }
  });

  it("of a token that could be guessed is a mistake of the caller", () => {
    const keys = new Uint8Array(32);
    const session = { network: "main", challenge: keys, dialer: keys, acceptor: keys };
    assert.throws(() => meshMac("short", session, "dialer"), /at least 16 bytes/);
  });
});
