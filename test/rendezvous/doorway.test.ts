import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { type Admission, Doorway } from "../../src/rendezvous/admission.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { memoryNode, stopNodes } from "./peers.ts";

const nobody = { buffered: 0, send: () => 0, close() {}, terminate() {} };

/** A doorway with two places, and who gave way or has spoken there. */
function doorway() {
  const clock = new VirtualClock();
  const [gone, spoken] = [new Set<string>(), new Set<string>()];
  const door = new Doorway(clock, (_, { claimed }) => ({
    handlers: { message() {}, closed() {} },
    silent: () => !spoken.has(claimed),
    giveWay: () => void gone.add(claimed),
  }));
  const come = (name: string) => {
    const admission = door.admit(2, name as PeerId, "192.0.2.1");
    admission?.open(nobody);
    return admission;
  };
  return { clock, door, come, gone, spoken };
}

describe("a place at the door", () => {
  it("of whoever has said nothing for longest is another one's after half a second", async () => {
    const { clock, door, come, gone } = doorway();
    come("a");
    await clock.advance(100);
    come("b");
    await clock.advance(399);
    assert.equal(come("c"), undefined, "a may still be about to answer");
    await clock.advance(1);
    assert(come("c"));
    assert.deepEqual([...gone], ["a"]);
    assert.equal(come("d"), undefined, "b has 100 ms left");
    assert.equal(door.pending, 2);
  });

  it("is not lost for the time before its socket was open: nobody can speak before", async () => {
    const { clock, door, come, gone } = doorway();
    const waiting = ["a", "b"].map((name) => door.admit(2, name as PeerId, "192.0.2.1")!);
    await clock.advance(1_000);
    for (const admission of waiting) admission.open(nobody);
    assert.equal(come("c"), undefined);
    await clock.advance(500);
    assert(come("c"));
    assert.deepEqual([...gone], ["a"]);
  });

  it("stays that of those who have spoken, however long their check takes", async () => {
    const { clock, come, gone, spoken } = doorway();
    come("a");
    come("b");
    spoken.add("a").add("b");
    await clock.advance(4_000);
    assert.equal(come("c"), undefined);
    assert.equal(gone.size, 0);
  });

  it("is given back once, whoever gives it back", async () => {
    const { clock, door, come } = doorway();
    const first = come("a")!;
    come("b");
    await clock.advance(500);
    come("c");
    first.release();
    assert.equal(door.pending, 2);
  });

  it("is asked for while nobody has to go as long as there is another", async () => {
    const { clock, come, gone } = doorway();
    come("a");
    await clock.advance(4_000);
    assert(come("b"));
    assert.equal(gone.size, 0);
  });
});

describe("a silent stranger whose place another one gets", () => {
  afterEach(stopNodes);

  it("is told why, and counted", async () => {
    const clock = new VirtualClock();
    const node = await memoryNode({ clock, limits: { handshakes: 1 } });
    const { id } = await generateIdentity();
    const told: [number, string][] = [];
    const first = node.admit(id, "192.0.2.1") as Admission;
    const handlers = first.open({
      ...nobody,
      close(code, text) {
        told.push([code, text]);
        handlers.closed(code, text);
      },
    })!;
    await clock.advance(500);
    assert(!("status" in node.admit(id, "192.0.2.2")));
    assert.equal(told.length, 1);
    assert.match(told[0]![1], /said nothing/);
    assert.match(node.metricsText(), /handshake_failures_total\{reason="over-capacity"\} 1\n/);
    assert.equal(node.handshakes, 1);
  });
});
