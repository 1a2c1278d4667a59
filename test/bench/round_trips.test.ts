import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { describe, it } from "node:test";
import { delayProxy } from "./delay_proxy.ts";
import { roundTrips } from "./first_message.ts";
import { rowsOf } from "./handshakes.ts";

describe("round trips", () => {
  it("are what the delay adds, whatever the machine needs beside", () => {
    assert.equal(roundTrips([30, 500, 31], [131, 129, 130], 50), 1.98);
    assert.equal(roundTrips([7], [7], 50), 0);
  });
  it("take no less through the proxy than it adds, and keep their bytes in order", async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await new Promise<void>((listening) => echo.listen(0, "127.0.0.1", listening));
    const proxy = await delayProxy((echo.address() as { port: number }).port, 40);
    const start = performance.now();
    const heard = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(proxy.port, "127.0.0.1", () => {
        socket.write("one ");
        setTimeout(() => socket.write("two "), 5);
        setTimeout(() => socket.end("three"), 30);
      });
      socket.on("data", (chunk) => text += chunk);
      socket.on("close", () => resolve(text));
    });
    const took = performance.now() - start;
    proxy.close();
    await new Promise((closed) => echo.close(closed));
    assert.equal(heard, "one two three");
    assert.ok(took >= 38, `${took} ms`); // timers may fire within their millisecond
  });
});

describe("the cost of a handshake", () => {
  const cost = (name: string, median: number) => ({ name, median, low: median, high: median });

  it("is told as so many times the least it could be", () => {
    const rows = rowsOf([cost("waymeet", 900), cost("bare", 100), cost("signatures", 350)]);
    assert.equal(rows.at(-1)!["CPU µs"], 2);
    assert.equal(rows[0]!["per s and core"], 1111);
  });
  it("is told beside what the protocol cannot do without, too", () => {
    const least = [cost("bare", 100), cost("signatures", 350), cost("key check", 50)];
    assert.deepEqual(rowsOf([cost("waymeet", 900), ...least]).slice(-2).map((row) => row["CPU µs"]), [
      2,
      1.8,
    ]);
  });
  it("has no such ratio when one part was not measured", () => {
    assert.equal(rowsOf([cost("waymeet", 900), cost("bare", 100)]).length, 2);
  });
});
