import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Actions } from "../../src/chat/actions.ts";
import { Engine } from "../../src/chat/engine.ts";
import { type Live, NOTHING_YET } from "../../src/chat/live.ts";
import { MemoryStore } from "../../src/chat/store.ts";
import { type Contact, type Entry, statusOf } from "../../src/chat/types.ts";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { VirtualWorld } from "../peer/virtual_world.ts";

/** A person's chat: what stays over a reload, and the page that is open now. */
class Person {
  readonly store: MemoryStore = new MemoryStore();
  readonly actions: Actions;
  readonly identity: Identity;
  live: Live = structuredClone(NOTHING_YET);
  readonly #world: VirtualWorld;
  #page: { peer: Peer; engine: Engine } | undefined;

  constructor(world: VirtualWorld, identity: Identity) {
    this.#world = world;
    this.identity = identity;
    this.actions = new Actions(identity.id, this.store, () => world.clock.wall());
  }

  get id() {
    return this.identity.id;
  }

  async open(): Promise<void> {
    const peer = await this.#world.open({ key: this.identity });
    const { clock } = this.#world;
    const engine = new Engine({
      peer,
      store: this.store,
      live: (edit) => edit(this.live),
      wall: () => clock.wall(),
      after: (delay, run) => clock.after(delay, run),
    });
    this.#page = { peer, engine };
  }

  async leave(): Promise<void> {
    this.#page!.engine.end();
    await this.#world.run(this.#page!.peer.close());
  }

  async room(peer: string): Promise<Entry[]> {
    return await this.store.entries(peer, 1_000);
  }

  async texts(peer: string): Promise<string[]> {
    return (await this.room(peer)).flatMap(({ body }) => body.kind === "text" ? [body.text] : []);
  }

  async contact(peer: string): Promise<Contact["state"] | undefined> {
    return (await this.store.contact(peer as Contact["peer"]))?.state;
  }
}

async function twoPeople(): Promise<{ world: VirtualWorld; ada: Person; ben: Person }> {
  const world = new VirtualWorld();
  await world.start();
  const [ada, ben] = [
    new Person(world, await generateIdentity()),
    new Person(world, await generateIdentity()),
  ];
  await ada.actions.rename("Ada");
  await ben.actions.rename("Ben");
  return { world, ada, ben };
}

async function twoContacts(): Promise<{ world: VirtualWorld; ada: Person; ben: Person }> {
  const people = await twoPeople();
  const { world, ada, ben } = people;
  await ada.open();
  await ben.open();
  await ada.actions.ask(ben.id, "it is me");
  await world.pass(1_000);
  await ben.actions.answer(ada.id, true);
  await world.pass(1_000);
  return people;
}

describe("a chat", () => {
  it("makes contacts of two people when one asks and the other accepts", async () => {
    const { world, ada, ben } = await twoPeople();
    await ada.open();
    await ben.open();
    await ada.actions.ask(ben.id, "it is me");
    await world.pass(1_000);
    assert.equal(await ada.contact(ben.id), "asked");
    const request = await ben.store.contact(ada.id);
    assert.deepEqual([request?.state, request?.name, request?.note], ["asking", "Ada", "it is me"]);

    await ben.actions.answer(ada.id, true);
    await world.pass(1_000);
    assert.equal(await ada.contact(ben.id), "accepted");
    assert.equal((await ada.store.contact(ben.id))?.name, "Ben");
  });

  it("tells who asked that the other declined, and asks that person never again", async () => {
    const { world, ada, ben } = await twoPeople();
    await ada.open();
    await ben.open();
    await ada.actions.ask(ben.id);
    await world.pass(1_000);
    await ben.actions.answer(ada.id, false);
    await world.pass(1_000);
    assert.equal(await ada.contact(ben.id), "declined");
    await ada.actions.ask(ben.id, "please");
    await world.pass(1_000);
    assert.equal(await ben.contact(ada.id), "refused");
  });

  it("makes contacts of two who ask each other", async () => {
    const { world, ada, ben } = await twoPeople();
    await ada.actions.ask(ben.id);
    await ben.actions.ask(ada.id);
    await ada.open();
    await ben.open();
    await world.pass(5_000);
    assert.equal(await ada.contact(ben.id), "accepted");
    assert.equal(await ben.contact(ada.id), "accepted");
  });

  it("ticks a message when the other side has stored it, and shows it there once", async () => {
    const { world, ada, ben } = await twoContacts();
    await ada.actions.say(ben.id, "hello", [ben.id]);
    await world.pass(1_000);
    assert.deepEqual(await ben.texts(ada.id), ["hello"]);
    assert.equal(statusOf((await ada.room(ben.id)).at(-1)!), "delivered");
  });

  it("keeps what is said to somebody who is away until they come back, over a reload too", async () => {
    const { world, ada, ben } = await twoContacts();
    await ben.leave();
    await world.pass(1_000);
    for (let i = 0; i < 5; i++) await ada.actions.say(ben.id, `while you were away ${i}`, [ben.id]);
    await world.pass(10_000);
    assert.notEqual(statusOf((await ada.room(ben.id)).at(-1)!), "delivered");
    await ada.leave();
    await ada.open();
    await world.pass(10_000);
    await ben.open();
    await world.pass(8_000);
    assert.deepEqual(await ben.texts(ada.id), [0, 1, 2, 3, 4].map((i) => `while you were away ${i}`));
    assert.equal(statusOf((await ada.room(ben.id)).at(-1)!), "delivered");
  });

  it("tells the sender that its message was refused by who is no contact", async () => {
    const { world, ada, ben } = await twoPeople();
    await ada.open();
    await ben.open();
    await ada.actions.say(ben.id, "buy this", [ben.id]);
    await world.pass(2_000);
    const [entry] = await ada.room(ben.id);
    assert.equal(statusOf(entry!), "failed");
    assert.match(entry!.to[0]!.reason!, /no contact/);
    assert.deepEqual(await ben.room(ada.id), []);
  });

  it("sends again what failed, when the person wants it", async () => {
    const { world, ada, ben } = await twoPeople();
    await ada.open();
    await ben.open();
    await ada.actions.say(ben.id, "hello?", [ben.id]);
    await world.pass(2_000);
    await ada.actions.ask(ben.id);
    await world.pass(1_000);
    await ben.actions.answer(ada.id, true);
    await ada.actions.retry((await ada.room(ben.id))[0]!);
    await world.pass(2_000);
    assert.deepEqual(await ben.texts(ada.id), ["hello?"]);
  });

  it("does not send what was given up before it left", async () => {
    const { world, ada, ben } = await twoContacts();
    await ben.leave();
    await world.pass(1_000);
    await ada.actions.say(ben.id, "forget it", [ben.id]);
    await world.pass(1_000);
    await ada.actions.giveUp((await ada.room(ben.id)).at(-1)!);
    await ben.open();
    await world.pass(8_000);
    assert.deepEqual(await ben.texts(ada.id), []);
  });

  it("brings a file whole, or again after the receiver reloaded in the middle", async () => {
    const { world, ada, ben } = await twoContacts();
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const file = new File([bytes, bytes, bytes, bytes, bytes], "noise.bin", { type: "application/x-noise" });
    await ada.actions.sendFile(ben.id, file, [ben.id]);
    await world.pass(2);
    await ben.leave();
    await ben.open();
    await world.pass(8_000);
    const entry = (await ben.room(ada.id)).at(-1)!;
    assert.deepEqual(entry.body, {
      kind: "file",
      file: { name: "noise.bin", type: "application/x-noise", size: 300_000 },
    });
    const got = await ben.store.file(ada.id, entry.id);
    assert.deepEqual(new Uint8Array(await got!.arrayBuffer()), new Uint8Array(await file.arrayBuffer()));
    assert.equal(statusOf((await ada.room(ben.id)).at(-1)!), "delivered");
  });

  it("brings what is said in a group to all who are in it, and tells how many have it", async () => {
    const { world, ada, ben } = await twoPeople();
    const cleo = new Person(world, await generateIdentity());
    await cleo.actions.rename("Cleo");
    for (const person of [ada, ben, cleo]) {
      await person.actions.join("tea");
      await person.open();
    }
    await world.pass(2_000);
    const members = ada.live.groups.tea!;
    assert.deepEqual(new Set(members), new Set([ada.id, ben.id, cleo.id]));
    await ada.actions.say("#tea", "who is here?", members.filter((peer) => peer !== ada.id));
    await world.pass(2_000);
    for (const person of [ben, cleo]) {
      const [entry] = await person.room("#tea");
      assert.deepEqual([entry?.body, entry?.author], [{ kind: "text", text: "who is here?" }, "Ada"]);
    }
    assert.equal(statusOf((await ada.room("#tea"))[0]!), "delivered");

    await cleo.actions.leaveGroup("tea");
    await world.pass(2_000);
    assert.deepEqual(new Set(ada.live.groups.tea), new Set([ada.id, ben.id]));
    await ben.actions.say("#tea", "still there?", [ada.id, cleo.id]);
    await world.pass(2_000);
    const [, said] = await ben.room("#tea");
    assert.deepEqual(said!.to.map(({ status }) => status), ["delivered", "failed"]);
  });

  it("loses and doubles nothing when the node is killed in the middle of a hundred messages each way", async () => {
    const { world, ada, ben } = await twoContacts();
    const numbers = Array.from({ length: 100 }, (_, i) => String(i));
    for (const number of numbers) {
      await ada.actions.say(ben.id, number, [ben.id]);
      await ben.actions.say(ada.id, number, [ada.id]);
      if (number === "40") world.kill();
      if (number === "60") world.restart();
      await world.pass(20);
    }
    await world.pass(15_000);
    assert.deepEqual((await ben.texts(ada.id)).length, 200);
    const received = async (who: Person, other: Person) =>
      (await who.room(other.id)).filter(({ to }) => to.length === 0).map(({ body }) =>
        body.kind === "text" ? body.text : body.kind
      ).filter((text) => /^\d+$/.test(text));
    assert.deepEqual(await received(ben, ada), numbers);
    assert.deepEqual(await received(ada, ben), numbers);
    const own = (await ada.room(ben.id)).filter(({ to }) => to.length > 0);
    assert.ok(own.every((entry) => statusOf(entry) === "delivered"));
  });
});
