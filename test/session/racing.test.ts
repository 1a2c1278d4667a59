// runtimes: deno node
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { describe, it } from "node:test";
import { alternate, ATTEMPT_DELAY, type Dial, race } from "../../src/session/ws.node.ts";

const HERE = { address: "127.0.0.1", family: 4 };
/** Nobody listens there: refused at once. */
const REFUSED = { address: "127.0.0.2", family: 4 };

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HERE.address, resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const never = new AbortController().signal;

describe("a name's addresses, raced", () => {
  it("takes families in turn, the resolver's first choice first", () => {
    const of = (...families: number[]) => families.map((family, i) => ({ family, address: `${i}` }));
    const order = (...families: number[]) =>
      alternate(of(...families)).map(({ address }) => address).join("");
    assert.equal(order(6, 6, 6, 4, 4), "03142");
    assert.equal(order(4, 6, 6), "012");
    assert.equal(order(4), "0");
    assert.equal(order(4, 4), "01");
    assert.equal(order(6, 4, 4, 4), "0123");
  });

  it("goes on to the next beside one that is silent, which is dropped in the end", async () => {
    const { server, port } = await listening();
    const silent = new Socket();
    const dial: Dial = (place) => place.host === REFUSED.address ? silent : connect(place);
    const socket = await race([REFUSED, HERE], port, never, dial);
    assert.equal(socket.remoteAddress, HERE.address);
    assert.ok(silent.destroyed);
    socket.destroy();
    server.close();
  });

  it("gives no slow one up for it: the first that connects is taken", async () => {
    const { server, port } = await listening();
    const slow = new Socket();
    const dial: Dial = ({ host }) => {
      if (host !== REFUSED.address) return new Socket();
      setTimeout(() => slow.connect({ host: HERE.address, port }), 2 * ATTEMPT_DELAY);
      return slow;
    };
    assert.equal(await race([REFUSED, HERE], port, never, dial), slow);
    slow.destroy();
    server.close();
  });

  it("goes on at once to the next when one is refused", async () => {
    const { server, port } = await listening();
    const socket = await race([REFUSED, HERE], port, never);
    assert.equal(socket.remoteAddress, HERE.address);
    socket.destroy();
    server.close();
  });

  it("fails with what the last attempt failed with", async () => {
    const { server, port } = await listening();
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(race([REFUSED, HERE], port, never), /ECONNREFUSED|refused/);
  });

  it("ends when nobody wants it any more", async () => {
    await assert.rejects(race([HERE], 9, AbortSignal.abort(new Error("given up"))), /given up/);
  });
});
