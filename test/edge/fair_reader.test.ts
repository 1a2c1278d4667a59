import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FairReader } from "../../edge/fair_reader.ts";

class Reader extends FairReader {
  readonly #name: string;
  readonly #log: string[];

  constructor(name: string, log: string[]) {
    super();
    this.#name = name;
    this.#log = log;
  }
  protected pause(): void {
    this.#log.push(`${this.#name} waits`);
  }
  protected resume(): void {
    this.#log.push(`${this.#name} reads`);
  }
  /** A thousand messages of 64 bytes. */
  flood(): void {
    for (let i = 0; i < 1_000; i++) this.took(64);
  }
  say(): void {
    this.took(64);
  }
}

it("who brings more than its share waits, and of those who wait one reads on in each turn", async () => {
  const log: string[] = [];
  const [a, b] = [new Reader("a", log), new Reader("b", log)];
  a.flood();
  b.flood();
  a.flood(); // the rest of the same read
  assert.deepEqual(log.splice(0), ["a waits", "b waits"]);
  await turn();
  assert.deepEqual(log.splice(0), ["a reads"]);
  a.flood();
  await turn();
  assert.deepEqual(log.splice(0), ["a waits", "b reads"]);
  await turn();
  assert.deepEqual(log.splice(0), ["a reads"]);
  await turn();
  assert.deepEqual(log, [], "then nobody waits");
});

it("who brings little never waits", async () => {
  const log: string[] = [];
  const reader = new Reader("a", log);
  for (let i = 0; i < 500; i++) reader.say();
  await turn();
  assert.deepEqual(log, []);
});
