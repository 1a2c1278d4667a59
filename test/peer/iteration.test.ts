import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Link } from "../../src/link/link.ts";
import { nextLink, VirtualWorld } from "./virtual_world.ts";

describe("reading a link", () => {
  let world: VirtualWorld;
  let sending: Link;
  let reading: Link;
  beforeEach(async () => {
    world = new VirtualWorld();
    await world.start();
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    sending = await world.run(a.dial(b.id));
    await world.run(sending.opened);
    reading = await world.run(arriving);
  });
  afterEach(() => world.end());

  const send = (...texts: string[]) => world.run(Promise.all(texts.map((text) => sending.send(text))));

  it("a loop that is left and begun again loses no message", async () => {
    await send("1", "2", "3", "4");
    const texts: string[] = [];
    for (let i = 0; i < 4; i++) {
      for await (const message of reading) {
        texts.push(message.text());
        break;
      }
    }
    assert.deepEqual(texts, ["1", "2", "3", "4"]);
  });

  it("two iterations share the messages, each goes to one", async () => {
    const texts: string[] = [];
    const loop = async () => {
      for await (const message of reading) texts.push(message.text());
    };
    const loops = Promise.all([loop(), loop()]);
    await send("1", "2", "3", "4", "5");
    await world.run(sending.close());
    await world.run(loops);
    assert.deepEqual(texts.sort(), ["1", "2", "3", "4", "5"]);
  });

  it("an iterator that is given up takes no message with it, and ends its wait", async () => {
    const given = reading[Symbol.asyncIterator]();
    const waiting = given.next();
    const other = reading[Symbol.asyncIterator]().next();
    await given.return!();
    assert.equal((await world.run(waiting, 10)).done, true);
    await send("1");
    assert.equal((await world.run(other, 1_000)).value?.text(), "1");
    await send("2");
    assert.equal((await given.next()).done, true);
    assert.equal((await world.run(reading[Symbol.asyncIterator]().next(), 10)).value?.text(), "2");
  });

  it("closing one handle ends its loops and leaves the messages to the other", async () => {
    const b = world.peers[1]!;
    const second = await world.run(b.dial(reading.peer));
    const waiting = reading[Symbol.asyncIterator]().next();
    await world.run(reading.close());
    assert.equal((await world.run(waiting, 10)).done, true);
    await send("1");
    assert.equal((await world.run(second[Symbol.asyncIterator]().next(), 10)).value?.text(), "1");
  });
});
