import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { laneIn, roomAmong } from "../../edge/lane.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { Doorway } from "../../src/rendezvous/admission.ts";
import { nodeApp } from "../../src/rendezvous/app.ts";
import type { Answerer } from "../../src/rendezvous/bindings.ts";
import { systemClock } from "../../src/session/clock.ts";
import type { Connect, Socket, SocketHandlers } from "../../src/session/socket.ts";

const [HERE, THERE] = ["127.0.0.1:5001", "127.0.0.1:5002"];
const { id } = await generateIdentity();
const URL_THERE = `ws://${THERE}/v1/connect/${id}`;

/** One end, with what it was told. */
class End implements SocketHandlers {
  socket!: Socket;
  opened = false;
  drains = 0;
  ended: string | undefined;
  readonly messages: (Uint8Array | string)[] = [];
  #changed: () => void = () => {};

  open(): void {
    this.opened = true;
    this.#changed();
  }
  message(message: Uint8Array | string): void {
    this.messages.push(typeof message === "string" ? message : message.slice());
    this.#changed();
  }
  drain(): void {
    this.drains++;
    this.#changed();
  }
  closed(code: number, reason: string): void {
    assert.equal(this.ended, undefined, "closed once");
    this.ended = `${code} ${reason}`;
    this.#changed();
  }
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed = resolve);
  }
}

/** A node of which only the door is real. */
function door(accepted: End, places = 1): { app: Answerer; claims: string[] } {
  const claims: string[] = [];
  const doorway = new Doorway(systemClock, (socket) => {
    accepted.socket = socket;
    return { handlers: accepted, silent: () => true, giveWay() {} };
  });
  const app = nodeApp({
    admit(claimed, address) {
      claims.push(`${claimed} ${address}`);
      return doorway.admit(places, id, address) ?? { status: 503, reason: 5, text: "the node is full" };
    },
    turnstile: (pass) => pass(),
    info: () => ({}) as never,
    refused() {},
    order: () => Promise.resolve(undefined),
    metrics: () => undefined,
    mesh: () => undefined,
    readiness: () => undefined,
    chat: undefined,
  });
  return { app, claims };
}

const elsewhere: Connect = (url, handlers) => {
  queueMicrotask(() => handlers.closed(1006, `no lane to ${url}`));
  return { send: () => -1, buffered: 0, close() {}, terminate() {} };
};

async function meeting(places = 1) {
  const directory = await mkdtemp(join(tmpdir(), "waymeet-lane-"));
  const [dialler, accepted] = [new End(), new End()];
  const { app, claims } = door(accepted, places);
  const listener = await laneIn(directory, THERE, [HERE, THERE]).listen(app);
  const connect = laneIn(directory, HERE, [HERE, THERE]).dialer(elsewhere);
  dialler.socket = connect(URL_THERE, dialler);
  const close = async () => {
    await listener.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { dialler, accepted, claims, connect, directory, listener, close };
}

it("lanes of many workers share what memory a container has", () => {
  assert.deepEqual([2, 4, 8, 16, 32].map((each) => roomAmong(each) / 1_024), [1_024, 1_024, 256, 64, 64]);
});

describe("a lane between two workers", { skip: process.platform === "win32" }, () => {
  it("is a way to the node's door, by which both sides talk", async () => {
    const { dialler, accepted, claims, directory, close } = await meeting();
    await accepted.until(() => accepted.opened);
    assert.deepEqual(claims, [`${id} 127.0.0.1`]);
    accepted.socket.send(Uint8Array.of(1, 2));
    await dialler.until(() => dialler.messages.length > 0);
    dialler.socket.send("and text");
    dialler.socket.send(new Uint8Array(0));
    await accepted.until(() => accepted.messages.length > 1);
    assert.deepEqual(dialler.messages, [Uint8Array.of(1, 2)]);
    assert.deepEqual(accepted.messages, ["and text", new Uint8Array(0)]);
    assert.deepEqual(await readdir(directory), ["1.sock"], "nothing else is left lying");

    dialler.socket.close(4_000, "enough");
    await accepted.until(() => accepted.ended !== undefined);
    await dialler.until(() => dialler.ended !== undefined);
    assert.deepEqual([accepted.ended, dialler.ended], ["4000 enough", "4000 enough"]);
    await close();
  });

  it("loses nothing that has to wait, and says how much does, and when nothing more", async () => {
    const { dialler, accepted, close } = await meeting();
    await accepted.until(() => accepted.opened);
    const sizes = Array.from({ length: 60 }, (_, i) => (i * 48_611) % 500_000);
    const waiting = sizes.map((size, i) => accepted.socket.send(new Uint8Array(size).fill(i)));
    const all = sizes.reduce((sum, size) => sum + size);
    assert(waiting.at(-1)! > all / 2 && waiting.at(-1) === accepted.socket.buffered);
    await dialler.until(() => dialler.messages.length === sizes.length);
    await accepted.until(() => accepted.drains > 0);
    assert.equal(accepted.socket.buffered, 0);
    for (const [i, size] of sizes.entries()) {
      const message = dialler.messages[i] as Uint8Array;
      assert.equal(message.length, size);
      assert(message.every((byte) => byte === i));
    }
    accepted.socket.send(new Uint8Array(900_000));
    accepted.socket.close(1000, "and its last words arrive");
    await dialler.until(() => dialler.ended !== undefined);
    assert.equal(dialler.messages.length, sizes.length + 1);
    assert.equal(dialler.ended, "1000 and its last words arrive");
    await close();
  });

  it("ends at once when the other process does, and is there again when that is back", async () => {
    const { dialler, accepted, connect, directory, listener } = await meeting();
    await accepted.until(() => accepted.opened);
    await listener.close(); // which drops what is connected
    await dialler.until(() => dialler.ended !== undefined);
    assert.match(dialler.ended!, /^1006 /);
    assert.equal(dialler.socket.send("anybody?"), -1);

    const missed = new End();
    missed.socket = connect(URL_THERE, missed);
    await missed.until(() => missed.ended !== undefined);
    assert.match(missed.ended!, /^1006 ./);

    const again = new End();
    const { app } = door(again);
    await rm(directory, { recursive: true, force: true });
    const other = await mkdtemp(join(tmpdir(), "waymeet-lane-"));
    const second = await laneIn(other, THERE, [HERE, THERE]).listen(app);
    const back = new End();
    back.socket = laneIn(other, HERE, [HERE, THERE]).dialer(elsewhere)(URL_THERE, back);
    await again.until(() => again.opened);
    await second.close();
    await assert.rejects(readdir(other), { code: "ENOENT" }, "who leaves last takes the directory away");
  });

  it("tells who is not let in why, and leads nobody anywhere but to siblings", async () => {
    const { dialler, connect, close } = await meeting(0);
    await dialler.until(() => dialler.ended !== undefined);
    assert.match(dialler.ended!, /^1008 .*the node is full/);

    const astray = new End();
    connect("wss://far.example/", astray);
    await astray.until(() => astray.ended !== undefined);
    assert.equal(astray.ended, "1006 no lane to wss://far.example/");

    const lost = new End();
    lost.socket = connect(`ws://${THERE}/nowhere`, lost);
    await lost.until(() => lost.ended !== undefined);
    assert.match(lost.ended!, /^1008 /);
    await close();
  });
});
