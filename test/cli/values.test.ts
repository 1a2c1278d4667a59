import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { everything, lines } from "../../src/cli/lines.ts";
import { Output, OutputGone } from "../../src/cli/output.ts";
import { amount } from "../../src/cli/progress.ts";
import { count, duration, list, nodeUrls, port, wait } from "../../src/cli/values.ts";
import { verdictOn } from "../../src/cli/failure.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { pieces } from "./memory_terminal.ts";

describe("values on the command line", () => {
  it("have durations with units", () => {
    const written = {
      "500ms": 500,
      "60s": 60_000,
      "1.5m": 90_000,
      "2h": 7_200_000,
      "7d": 604_800_000,
      "0": 0,
      "0s": 0,
    };
    for (const [text, milliseconds] of Object.entries(written)) assert.equal(duration(text), milliseconds);
    for (const text of ["60", "-1s", "s", "1w", "1 s", "", "1e3s"]) {
      assert.throws(() => duration(text), /number with its unit/);
    }
    assert.throws(() => wait("25d"), /At most/);
  });
  it("have counts and ports", () => {
    assert.equal(count("12"), 12);
    for (const text of ["0", "-1", "1.5", "x", "9007199254740993"]) assert.throws(() => count(text));
    assert.equal(port("0"), 0);
    for (const text of ["65536", "-1", "x", ""]) assert.throws(() => port(text));
  });
  it("have lists with commas, spaces and repetition", () => {
    assert.deepEqual(list("a,b  c", ["x"]), ["x", "a", "b", "c"]);
    assert.deepEqual(nodeUrls("ws://a wss://b", undefined), ["ws://a", "wss://b"]);
    assert.throws(() => nodeUrls("ws://a b", undefined), /wss:\/\/b/);
  });
  it("show amounts of bytes", () => {
    assert.deepEqual([0, 999, 1_000, 1_234_567, 209_715_200, 5e12].map(amount), [
      "0 B",
      "999 B",
      "1.00 kB",
      "1.23 MB",
      "210 MB",
      "5.00 TB",
    ]);
  });
});

async function texts(source: AsyncIterable<Uint8Array[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const some of source) found.push(...some.map((bytes) => new TextDecoder().decode(bytes)));
  return found;
}

describe("standard input", () => {
  it("is cut into its lines wherever the pieces end", async () => {
    const text = fc.array(fc.string({ unit: fc.constantFrom("a", "ß", "\r", " "), maxLength: 8 }), {
      maxLength: 20,
    });
    await fc.assert(fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (written, size) => {
      const whole = written.map((line) => `${line}\n`).join("");
      assert.deepEqual(await texts(lines(pieces(whole, size))), written);
    }));
  });
  it("has a last line without newline, and no line after the last newline", async () => {
    assert.deepEqual(await texts(lines(pieces("a\n\nb"))), ["a", "", "b"]);
    assert.deepEqual(await texts(lines(pieces("a\n"))), ["a"]);
    assert.deepEqual(await texts(lines(pieces(""))), []);
  });
  it("that is too large for a message is refused with the way out", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(1_048_576).fill(0x61);
    }
    await assert.rejects(everything(endless()), /16 MiB.*waymeet pipe/);
    await assert.rejects(texts(lines(endless())), /a line is larger.*waymeet pipe/);
    assert.equal((await everything(pieces("abcdefgh"))).length, 8);
  });
});

describe("standard output", () => {
  it("arrives in order, small writes together, each promise after its bytes", async () => {
    const gates: (() => void)[] = [];
    const taken: string[] = [];
    const output = new Output((bytes) => {
      taken.push(new TextDecoder().decode(bytes));
      return new Promise((resolve) => gates.push(resolve));
    });
    const done: number[] = [];
    [1, 2, 3].forEach((n) => void output.write(String(n)).then(() => done.push(n)));
    assert.equal(output.pending, 3);
    gates.shift()!();
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual([taken, done, output.pending], [["1", "23"], [1], 2]);
    gates.shift()!();
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual([done, output.pending], [[1, 2, 3], 0]);
  });
  it("whose reader has gone rejects everything from then on, and is no failure", async () => {
    const output = new Output(() =>
      Promise.reject(Object.assign(new Error("broken pipe"), { code: "EPIPE" }))
    );
    await assert.rejects(output.write("a"), OutputGone);
    await assert.rejects(output.write("b"), OutputGone);
    assert.deepEqual(verdictOn(new OutputGone()), { exitCode: 0, code: "output-gone", message: undefined });
  });
  it("that cannot be written is a failure", async () => {
    const output = new Output(() =>
      Promise.reject(Object.assign(new Error("disk full"), { code: "ENOSPC" }))
    );
    const error = await output.write("a").catch((error) => error);
    assert.deepEqual(verdictOn(error), { exitCode: 1, code: "ENOSPC", message: "disk full" });
  });
});

describe("a failure", () => {
  it("says what to do at a command line, once", () => {
    const { message } = verdictOn(
      new WaymeetError("absent", "no node knows this peer: is it running? A dial waits"),
    );
    assert.equal(
      message,
      "no node knows this peer; is it running, at this node and in this network? --wait 60s waits for it",
    );
    assert.equal(verdictOn(new WaymeetError("absent", message!)).message, message);
  });
  it("that nobody foresaw asks for a report, with its stack", () => {
    const verdict = verdictOn(new Error("oops"));
    assert.equal(verdict.exitCode, 1);
    assert.match(verdict.message!, /fault of waymeet.*oops[\s\S]*at /);
  });
});
