// runtimes: bun deno node
// deadline: 60 s
// cores: 0.5
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { connectNats } from "../../edge/nats.ts";
import { type NatsOptions, readServers } from "../../edge/nats_servers.ts";
import type { NatsPort } from "../../src/rendezvous/nats_port.ts";
import { NatsServers } from "../nats_servers.ts";
import { issue } from "./certificates.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-nats-"));
const seed = nkeys.createUser();
const certificate = issue(home, "nats");
const config = join(home, "nats.conf");
writeFileSync(
  config,
  `tls { cert_file: "${certificate.files[0]}", key_file: "${certificate.files[1]}" }
authorization { users: [
  { user: waymeet, password: "a secret" }
  { nkey: ${seed.getPublicKey()} }
  { user: deaf, password: x, permissions: { publish: "waymeet.>", subscribe: "waymeet.default.all.*" } }
] }`,
);
const servers = await NatsServers.start(1, ["-c", config]);
const [plain] = servers.urls as [string];
const tls = { caFile: certificate.authority };
const ports: NatsPort[] = [];
after(async () => {
  await Promise.all(ports.map((port) => port.close()));
  servers.close();
  rmSync(home, { recursive: true, force: true });
});

async function connected(options: NatsOptions): Promise<NatsPort> {
  const port = await connectNats(options);
  ports.push(port);
  return port;
}

it("a node shows NATS a password or an nkey, over TLS with the CA that it was given", async () => {
  const withPassword = plain.replace("//", "//waymeet:a%20secret@");
  const [one, two] = [
    await connected({ servers: [withPassword], tls }),
    await connected({ servers: [plain], nkey: new TextDecoder().decode(seed.getSeed()), tls }),
  ];
  const heard = new Promise<Uint8Array>((resolve) => two.subscribe("waymeet.x", ({ data }) => resolve(data)));
  await two.flush();
  one.publish("waymeet.x", new Uint8Array([1, 2, 3]));
  assert.deepEqual([...await heard], [1, 2, 3]);
  assert.equal(one.state.server, plain.replace("nats://", "")); // without the password
});

it("wrong credentials, an unknown CA and a server that is not there are told with what to do", async () => {
  await assert.rejects(connectNats({ servers: [plain.replace("//", "//waymeet:wrong@")], tls }), {
    code: "unauthorized",
    message: /does not let this node in .*give its credentials in the URL \(nats:\/\/user:password@/,
  });
  await assert.rejects(connectNats({ servers: [plain.replace("//", "//waymeet:a%20secret@")] }), {
    code: "node-unreachable",
    message: /with TLS, name the CA of its certificate$/,
  });
  await assert.rejects(connectNats({ servers: ["nats://127.0.0.1:9"] }), {
    code: "node-unreachable",
    message: /^no server of NATS can be used at 127\.0\.0\.1:9 \(.*\); start one \(nats-server\)/,
  });
});

it("what NATS does not permit is said in the state of the connection", async () => {
  const port = await connected({ servers: [plain.replace("//", "//deaf:x@")], tls });
  port.subscribe("waymeet.default.all.*", () => {});
  await port.flush();
  assert.equal(port.state.problem, undefined);
  port.subscribe("waymeet.default.to.x.*", () => {});
  while (port.state.problem === undefined) await port.flush();
  assert.match(port.state.problem, /waymeet\.default\.to\.x\.\*/);
  assert(port.state.connected);
});

it("URLs tell servers, credentials and TLS, and those that are none are named without their secrets", () => {
  const { hosts, secure, user, pass, token } = readServers([
    "tls://u:p%40@one",
    "nats://two:99",
    "nats://two:99",
  ]);
  assert.deepEqual([hosts, secure, user, pass, token], [["one:4222", "two:99"], true, "u", "p@", undefined]);
  assert.equal(readServers(["nats://t0ken@one"]).token, "t0ken");
  assert.deepEqual(readServers(["nats://[::1]:1"]).hosts, ["[::1]:1"]);
  for (const wrong of ["http://u:secret@x", "x:4222", "nats://"]) {
    assert.throws(() => readServers([wrong]), (error: Error) => {
      return error instanceof TypeError && /nats:\/\/host:4222/.test(error.message) &&
        !error.message.includes("secret@");
    });
  }
  assert.throws(() => readServers([]), TypeError);
});
