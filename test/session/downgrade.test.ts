import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeHello } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { type Hello, VERSION } from "../../src/wire/protocol.ts";
import { authFor, stranger } from "./stranger.ts";

/** The hello as somebody in between passes it on. */
function altered(hello: Hello, change: Partial<Hello>): Hello {
  const { version, node, network, challenge, time, features } = { ...hello, ...change };
  return { ...hello, ...change, bytes: encodeHello({ version, node, network, challenge, time, features }) };
}

describe("a downgrade", () => {
  const changes: [string, Partial<Hello>][] = [
    ["a later version", { version: VERSION + 1 }],
    ["an added feature", { features: ["something"] }],
    ["another time", { time: 1 }],
    ["another challenge", { challenge: new Uint8Array(32) }],
  ];
  for (const [what, change] of changes) {
    it(`by ${what} in the hello is noticed by the node: the dialer signed what it saw`, async () => {
      const visit = await stranger();
      await visit.say(await authFor(altered(visit.hello, change)));
      await visit.clock.advance(0);
      for (let i = 0; i < 500 && visit.log.end === undefined && visit.session.state !== "draining"; i++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await visit.clock.advance(5_000);
      assert.equal(visit.log.end?.reason, Reason.badSignature);
      assert.equal(visit.log.ready_.length, 0);
    });
  }
});
