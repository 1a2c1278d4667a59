import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RingReader, ringSize, RingWriter } from "../../src/session/ring.ts";

const CAPACITY = 16;

/** Two processes, each of which does one thing after the other, in any order between the two. */
class Pair {
  readonly memory: Uint8Array = new Uint8Array(ringSize(CAPACITY));
  readonly #writer = new RingWriter(this.memory);
  readonly #reader = new RingReader(this.memory);
  readonly #toWrite: number[];
  readonly read: number[] = [];
  #bells = { reader: 1, writer: 1 }; // both begin awake
  readonly #steps = { reader: this.#reading(), writer: this.#writing() };

  constructor(toWrite: number[]) {
    this.#toWrite = toWrite;
  }

  /** False: it sleeps. */
  step(who: "reader" | "writer"): boolean {
    return this.#steps[who].next().value as boolean;
  }

  *#writing(): Generator<boolean> {
    for (;;) {
      yield* this.#asleep("writer");
      do {
        const count = this.#writer.put(Uint8Array.from(this.#toWrite.slice(0, 7)));
        this.#toWrite.splice(0, count);
        yield true;
        this.#writer.commit();
        yield true;
        if (this.#writer.wakes()) this.#bells.reader++;
        yield true;
      } while (this.#toWrite.length > 0 && !this.#writer.sleeps());
    }
  }

  *#reading(): Generator<boolean> {
    for (;;) {
      yield* this.#asleep("reader");
      do {
        const bytes = this.#reader.read()!;
        yield true;
        this.read.push(...bytes);
        this.#reader.release();
        yield true;
        if (this.#reader.wakes()) this.#bells.writer++;
        yield true;
      } while (!this.#reader.sleeps());
    }
  }

  *#asleep(who: "reader" | "writer"): Generator<boolean> {
    while (this.#bells[who] === 0) yield false;
    this.#bells[who]--;
  }
}

describe("a ring", () => {
  it("brings all bytes in their order, and nobody sleeps while there is something to do, whoever is faster", () => {
    fc.assert(fc.property(
      fc.array(fc.nat(255), { maxLength: 120 }),
      fc.array(fc.boolean(), { maxLength: 300 }),
      (bytes, turns) => {
        const pair = new Pair([...bytes]);
        for (const reads of turns) pair.step(reads ? "reader" : "writer");
        for (let quiet = 0; quiet < 2;) {
          quiet = pair.step("writer") || pair.step("reader") ? 0 : quiet + 1;
        }
        assert.deepEqual(pair.read, bytes);
      },
    ));
  });

  it("takes no more than it has room for, and lends what is there until it is given back", () => {
    const memory = new Uint8Array(ringSize(CAPACITY));
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    assert.equal(writer.put(new Uint8Array(20).fill(1)), CAPACITY);
    assert.equal(reader.read()!.length, 0, "not before the commit");
    writer.commit();
    const lent = reader.read()!;
    assert.equal(lent.length, CAPACITY);
    assert.equal(writer.put(Uint8Array.of(2)), 0);
    reader.release();
    assert.equal(writer.put(Uint8Array.of(2)), 1);
  });

  it("counts on where 32 bits end", () => {
    const memory = new Uint8Array(ringSize(CAPACITY));
    const words = new Int32Array(memory.buffer);
    words[0] = words[16] = -10; // written and read before: almost 2^32 bytes
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    for (let i = 0; i < 30; i++) {
      assert.equal(writer.put(Uint8Array.of(i)), 1);
      writer.commit();
      assert.deepEqual([...reader.read()!], [i]);
      reader.release();
    }
  });

  it("believes no other process that claims more than there is room for", () => {
    const memory = new Uint8Array(ringSize(CAPACITY));
    const reader = new RingReader(memory);
    new Int32Array(memory.buffer)[0] = CAPACITY + 1;
    assert.equal(reader.read(), undefined);

    const writer = new RingWriter(new Uint8Array(memory.length).fill(0xff));
    assert(writer.put(new Uint8Array(CAPACITY)) <= CAPACITY);
  });

  it("has the size of a power of two", () => {
    assert.throws(() => new RingWriter(new Uint8Array(ringSize(24))), RangeError);
    assert.throws(() => new RingReader(new Uint8Array(100)), RangeError);
  });
});
