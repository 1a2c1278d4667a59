import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { rawSocket, upgradeRequest } from "./raw_socket.ts";
import { settle, until } from "./peers.ts";
import { runtime, serve } from "./runtime.ts";

async function withNode(options: ServeOptions, run: (node: RunningNode) => Promise<void>): Promise<void> {
  const node = await serve({ port: 0, ...options });
  try {
    await run(node);
  } finally {
    await node.stop({ graceMs: 0 });
  }
}

const { id } = await generateIdentity();

describe("a stranger with a TCP connection", () => {
  it("whose upgrade is refused cannot keep the node's descriptor, nor its end", async () => {
    await withNode({}, async (node) => {
      const stranger = await rawSocket(node, { halfOpen: true });
      stranger.socket.write(`${upgradeRequest("/v1/connect/nobody")}and more that nobody reads`);
      await until(() => /^HTTP\/1.1 400 /.test(stranger.heard()));
      if (runtime === "deno") return; // it keeps the connection for a next request; the node's end closes it
      await until(() => stranger.ended());
      // Who writes to a socket that is closed altogether is reset; one that is half open takes it.
      await until(() => {
        if (!stranger.closed()) stranger.socket.write("more");
        return stranger.closed();
      });
    });
  });

  it("that asks for compression gets none, and a compressed frame ends the session: no bomb is unpacked", async () => {
    await withNode({}, async (node) => {
      const stranger = await rawSocket(node);
      const deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
      stranger.socket.write(upgradeRequest(`/v1/connect/${id}`, deflate));
      await until(() => /^HTTP\/1.1 101 /.test(stranger.heard()));
      assert(!/sec-websocket-extensions/i.test(stranger.heard()));
      // FIN, RSV1 ("compressed"), binary; masked with zeros; a few bytes of DEFLATE (RFC 7692 §7.2.3.1).
      stranger.socket.write(
        new Uint8Array([0xc2, 0x87, 0, 0, 0, 0, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
      );
      await until(() => stranger.ended() || stranger.closed());
      await until(() => node.node.handshakes === 0);
    });
  });

  it("that never answers hello is not let in, and whoever hangs up frees its place at once", async () => {
    await withNode({ limits: { handshakes: 1 } }, async (node) => {
      const first = await rawSocket(node);
      first.socket.write(upgradeRequest(`/v1/connect/${id}`));
      await until(() => node.node.handshakes === 1);
      const second = await rawSocket(node);
      second.socket.write(upgradeRequest(`/v1/connect/${id}`));
      await until(() => /^HTTP\/1.1 503 /.test(second.heard()));
      first.socket.destroy();
      await until(() => node.node.handshakes === 0);
      await settle();
      assert.equal(node.node.sessions, 0);
    });
  });
});
