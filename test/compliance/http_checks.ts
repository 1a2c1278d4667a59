/** What a node answers over HTTP. */
import assert from "node:assert/strict";
import { generateIdentity } from "../../src/identity/identity.ts";
import { peerIdText } from "../../src/identity/peer_id.ts";
import { type Check, http, metric, type Target } from "./check.ts";
import { raw, until, visit } from "./visitor.ts";

async function endpoints(target: Target): Promise<void> {
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(http(target, path));
    return [response.status, await response.text()];
  };
  assert.deepEqual(await get("/healthz"), [200, "ok\n"]);
  assert.deepEqual(await get("/readyz"), [200, "ready\n"]);
  assert.match((await get("/"))[1], /<h1>/);
  assert.equal((await get("/nothing"))[0], 404);
  const visitor = await visit(target.url);
  const info = JSON.parse((await get("/v1/info"))[1]);
  assert.equal(info.id, peerIdText(visitor.session.remoteKey));
  assert.equal(info.network, "default");
  await until("the session is counted", async () => await metric(target, "sessions") >= 1);
  visitor.send(visitor, new Uint8Array(1));
  await until("the frame is counted", async () => await metric(target, "frames_relayed_total") >= 1);
}

async function upgrades(target: Target): Promise<void> {
  const { id } = await generateIdentity();
  assert.equal((await fetch(http(target, `/v1/connect/${id}`))).status, 426);
  const status = async (path: string, protocols: string[]): Promise<number | undefined> => {
    const stranger = raw(target.url + path, protocols);
    await until("an answer", () => stranger.status !== undefined || stranger.messages.length > 0);
    stranger.ws.terminate();
    return stranger.status;
  };
  assert.equal(await status(`/v1/connect/${id}`, ["chat"]), 426);
  assert.equal(await status("/v1/connect/alice", ["waymeet.1"]), 400);
  assert.equal(await status("/elsewhere", ["waymeet.1"]), 404);
  assert.equal(await status(`/v1/connect/${id}`, ["chat", "waymeet.1"]), undefined, "it is upgraded");
}

export const HTTP_CHECKS: Check[] = [
  { name: "health, readiness, info, metrics and a page", run: endpoints },
  { name: "what is no upgrade of ours is told so", run: upgrades },
];
