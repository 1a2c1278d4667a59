import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { refused } from "../../src/rendezvous/app.ts";
import type { NodeBindings } from "../../src/rendezvous/bindings.ts";
import { type Crowd, Door, inTurn } from "../../src/rendezvous/doorstep.ts";
import { systemClock } from "../../src/session/clock.ts";
import { Reason } from "../../src/wire/protocol.ts";

/** A door through which two pass in a turn, and before which three may wait, two from one address. */
function door() {
  const [seen, sentAway]: [NodeBindings[], string[]] = [[], []];
  const node = {
    door: new Door(systemClock, 2),
    turnsAway(address: string, { waiting, fromThere }: Crowd) {
      if (waiting < 3 && fromThere < 2) return undefined;
      sentAway.push(address);
      return refused(503, Reason.overCapacity, "too many");
    },
  };
  const { fetch } = inTurn(node, {
    fetch(_, bindings) {
      seen.push(bindings);
      return new Response("here");
    },
  });
  const ask = (path: string, address: string) =>
    Promise.resolve(fetch(new Request(`http://n${path}`), { address }));
  return { seen, sentAway, ask };
}

describe("before the door", () => {
  it("requests wait for their turn before the routes see them, and keep their order", async () => {
    const { seen, ask } = door();
    const answers = [1, 2, 3, 4].map((i) => ask("/v1/connect/x", String(i)));
    await Promise.all(answers.slice(0, 2));
    assert.deepEqual(seen.map(({ address }) => address), ["1", "2"]);
    await Promise.all(answers);
    assert.deepEqual(seen.map(({ address }) => address), ["1", "2", "3", "4"]);
    assert.ok(seen.every(({ waited }) => waited), "or the routes would have them wait again");
  });

  it("who comes when as many wait as may is sent away with the reason; pages and probes wait", async () => {
    const { seen, sentAway, ask } = door();
    const crowd = [1, 2, 3, 4, 5].map((i) => ask("/v1/connect/x", String(i)));
    const [late, probe] = [await ask("/v1/connect/x", "6"), ask("/healthz", "7")];
    assert.equal(late.status, 503);
    assert.equal(late.headers.get("retry-after"), "1");
    assert.equal((await late.json()).reason, "over-capacity");
    assert.deepEqual(sentAway, ["6"]);
    assert.equal((await probe).status, 200);
    await Promise.all(crowd);
    assert.equal(seen.length, 6);
    await turn();
    assert.equal((await ask("/v1/connect/x", "8")).status, 200, "there is room again");
  });

  it("a crowd that is sent away is told a few at a time, and those who may come in do not wait for it", async () => {
    const { seen, ask } = door();
    const crowd = [1, 2, 3, 4, 5].map((i) => ask("/v1/connect/x", String(i)));
    let told = 0;
    const away = Array.from({ length: 10 }, () => ask("/v1/connect/x", "6").then(() => told++));
    await turn();
    assert.ok(told < 6, `${told} in a turn`);
    await Promise.all(crowd);
    assert.equal(seen.length, 5);
    assert.ok(told < 10, "the last ones are told last");
    await Promise.all(away);
  });

  it("those from one address are counted as long as they wait", async () => {
    const { sentAway, ask } = door();
    const address = "192.0.2.1";
    const crowd = [1, 2, 3, 4].map(() => ask("/v1/connect/x", address)); // two of them wait
    assert.equal((await ask("/v1/connect/x", `::ffff:${address}`)).status, 503);
    assert.deepEqual(sentAway, [address]);
    await Promise.all(crowd);
    assert.equal((await ask("/v1/connect/x", address)).status, 200);
  });
});
