import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

import { encodeData } from "../../src/wire/data_frame.ts";
import { encodeBye, encodeHello, encodeLookup, encodePing, encodePong } from "../../src/wire/frames.ts";
import { Reason, VERSION } from "../../src/wire/protocol.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { type Log, meet, node, peer } from "./meeting.ts";
import { settle, VirtualClock } from "./virtual_clock.ts";

/** What can happen to a session from outside, at any time. */
type Happening =
  | { to: "near" | "far"; type: "message"; message: Uint8Array | string }
  | { to: "near" | "far"; type: "lose" | "cut" | "mend" | "close" | "send" | "drain" }
  | { to: "near" | "far"; type: "wait"; ms: number };

const hello = encodeHello({
  version: VERSION,
  node: node.publicKey,
  network: "test",
  challenge: new Uint8Array(32),
  time: 0,
  features: [],
});
const known = [
  hello,
  encodePing(new Uint8Array(8)),
  encodePong(new Uint8Array(8)),
  encodeData(peer.publicKey, new Uint8Array(5)),
  encodeLookup(1, peer.publicKey),
  encodeBye(Reason.draining, "", []),
  new Uint8Array([0x82, 0x19, 0x04, 0x00, 0x01]),
];
const frame = fc.oneof(fc.constantFrom(...known), fc.uint8Array({ maxLength: 30 }));
const message = fc.oneof(
  fc.array(frame, { minLength: 1, maxLength: 4 }).map(concatFrames),
  fc.constantFrom("ping", "pong", ""),
);
const to = fc.constantFrom("near" as const, "far" as const);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ to, type: fc.constant("message" as const), message }) },
  fc.record({ to, type: fc.constantFrom("lose", "cut", "mend", "close", "send", "drain") }),
  { weight: 2, arbitrary: fc.record({ to, type: fc.constant("wait" as const), ms: fc.nat(40_000) }) },
);

describe("whatever happens", () => {
  it("a session ends once, with a code, leaves no timer and throws nothing; ready comes only with a valid signature", async () => {
    const happenings = fc.array(happening, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        happenings,
        fc.boolean(),
        fc.boolean(),
        fc.nat(60),
        async (list, honest, immediate, delay) => {
          const verify = () => Promise.resolve(false);
          const clock = new VirtualClock();
          const before = immediate ? list.splice(0, 3) : [];
          const [dial, accept] = honest ? [{}, {}] : [{ verify }, { verify }];
          const meeting = await meet({ ...dial, clock }, accept, { delay });
          const act = async (what: Happening) => {
            const [end, session] = what.to === "near"
              ? [meeting.near, meeting.dialer]
              : [meeting.far, meeting.acceptor];
            if (what.type === "message") end.handlers?.message(structuredClone(what.message));
            else if (what.type === "lose") end.lose(1006, "");
            else if (what.type === "cut" || what.type === "mend") end.cut = what.type === "cut";
            else if (what.type === "close") session.close(Reason.disconnected);
            else if (what.type === "send") session.send(encodeData(peer.publicKey, new Uint8Array(1)));
            else if (what.type === "drain") end.handlers?.drain?.();
            else if (what.type === "wait") await clock.advance(what.ms);
          };
          for (const what of before) await act(what);
          await clock.advance(200);
          for (const what of list) await act(what);
          meeting.near.cut = meeting.far.cut = true; // and then the line dies
          await settle();
          await clock.advance(120_000);
          for (const log of [meeting.dialed, meeting.accepted]) check(log, honest);
          assert.equal(clock.timers, 0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

function check(log: Log, honest: boolean): void {
  assert.deepEqual(log.errors, []);
  assert.equal(log.ends.length, 1);
  assert.equal(log.told.at(-1), "closed");
  const { reason, wasReady } = log.end!;
  assert(Number.isInteger(reason) && reason > 0);
  assert.equal(log.ready_.length, wasReady ? 1 : 0);
  if (!honest) assert.equal(wasReady, false);
  if (wasReady) assert.equal(log.told[0], "ready");
}
