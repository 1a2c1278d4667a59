import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../rendezvous/runtime.ts";
import { runtimes } from "../runtimes.ts";

const runtime = "Deno" in globalThis ? "deno" : process.versions.bun === undefined ? "node" : "bun";
const chat = fileURLToPath(new URL("./chat.ts", import.meta.url));

/** Somebody at a terminal. */
class Person {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  #read = () => {};

  constructor(name: string, url: string) {
    const [file, ...rest] = [
      ...runtimes().find((each) => each.name === runtime)!.command,
      chat,
      name,
      "tea",
      url,
    ];
    this.process = spawn(file!, rest, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      this.lines.push(line);
      this.#read();
    });
  }

  says(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  async reads(wanted: RegExp): Promise<void> {
    while (!this.lines.some((line) => wanted.test(line))) {
      await new Promise<void>((resolve) => this.#read = resolve);
    }
  }

  /** Waits until so many have come. */
  async sees(count: number): Promise<void> {
    while (this.lines.filter((line) => line.endsWith("is here")).length < count) {
      await new Promise<void>((resolve) => this.#read = resolve);
    }
  }
}

it("three people chat: they see each other come, hear each other, and see one leave", async () => {
  await using node = await serve({ port: 0 });
  const anna = new Person("anna", node.url);
  await anna.reads(/^in tea with 0 others$/);
  const [bert, cleo] = [new Person("bert", node.url), new Person("cleo", node.url)];
  await Promise.all([bert.reads(/^in tea/), cleo.reads(/^in tea/)]);
  await anna.sees(2);
  anna.says("hello, everybody");
  await Promise.all([bert.reads(/^anna: hello, everybody$/), cleo.reads(/^anna: hello, everybody$/)]);
  bert.says("hi");
  await Promise.all([anna.reads(/^bert: hi$/), cleo.reads(/^bert: hi$/)]);
  const left = once(cleo.process, "exit");
  cleo.process.stdin!.end();
  assert.deepEqual(await left, [0, null]);
  await Promise.all([anna.reads(/ left$/), bert.reads(/ left$/)]);
  const ends = [anna, bert].map((person) => once(person.process, "exit"));
  for (const person of [anna, bert]) person.process.stdin!.end();
  assert.deepEqual(await Promise.all(ends), [[0, null], [0, null]]);
});
