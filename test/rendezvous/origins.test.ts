import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { checkedOrigins, welcomesPage } from "../../src/rendezvous/origins.ts";
import { memoryNode, stopNodes, until } from "./peers.ts";
import { rawSocket, upgradeRequest } from "./raw_socket.ts";
import { serve } from "./runtime.ts";

const { id } = await generateIdentity();
const OWN = ["http://localhost:5173", "http://127.0.0.1:8787", "http://[::1]:1", "https://app.localhost"];
const STRANGE = [
  "https://evil.example",
  "null",
  "",
  "http://127.0.0.1.evil.example",
  "http://localhost.evil.example",
]
  .concat(["http://rebound.example:8787", "file://", "chrome-extension://localhost.x"]);

describe("a web page that dials a node", () => {
  afterEach(stopNodes);

  it("of this machine may, of elsewhere not unless it is named; programs send no origin", () => {
    for (const origin of OWN) assert(welcomesPage([], origin), origin);
    for (const origin of STRANGE) assert(!welcomesPage([], origin), origin);
    for (const origin of [...OWN, ...STRANGE]) assert(welcomesPage("any", origin));
    assert(welcomesPage([], undefined));
    assert(welcomesPage(["https://chat.example"], "https://chat.example"));
    assert(!welcomesPage(["https://chat.example"], "https://chat.example.evil.example"));
  });

  it("is refused with 403 before anything is allocated, and counted", async () => {
    const node = await memoryNode({ origins: [] });
    const refusal = node.admit(id, "127.0.0.1", "https://evil.example");
    assert("status" in refusal);
    assert.equal(refusal.status, 403);
    assert.equal(node.handshakes, 0);
    assert.match(node.metricsText(), /handshake_failures_total\{reason="unauthorized"\} 1/);
    const admitted = node.admit(id, "127.0.0.1", OWN[0]);
    assert(!("status" in admitted));
    admitted.release();
  });

  it("cannot use its visitor's own node: on this machine alone that is the default", async () => {
    const node = await serve({ port: 0 });
    const ask = async (origin: string) => {
      const page = await rawSocket(node);
      page.socket.write(upgradeRequest(`/v1/connect/${id}`, `Origin: ${origin}`));
      await until(() => page.heard().includes("\r\n\r\n"));
      page.socket.destroy();
      return page.heard().slice(9, 12);
    };
    assert.equal(await ask("https://evil.example"), "403");
    assert.equal(await ask(new URL(node.url.replace("ws:", "http:")).origin), "101");
    await node.stop({ graceMs: 0 });
  });

  it("is written as browsers write it, or a mistake of the operator", () => {
    for (const wrong of ["chat.example", "https://chat.example/", "https://Chat.example", "*"]) {
      assert.throws(() => checkedOrigins([wrong]), TypeError);
    }
    assert.deepEqual(checkedOrigins(["null", "https://chat.example:8443"]), [
      "null",
      "https://chat.example:8443",
    ]);
  });
});
