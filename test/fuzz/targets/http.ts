/** What a node answers over HTTP: its routes, the dashboard's API, upgrades, orders. A part is one request as text. */
import { OperatorConsole } from "../../../src/rendezvous/console.ts";
import { clientAddress } from "../../../src/rendezvous/proxies.ts";
import { node as identity, otherPeer } from "../../session/meeting.ts";
import type { Assets } from "../../../src/rendezvous/pages.ts";
import { RendezvousNode } from "../../../src/rendezvous/node.ts";
import type { Dice } from "../../dice.ts";
import { sampleText } from "../../wire/cddl_samples.ts";
import { VirtualClock } from "../../session/virtual_clock.ts";
import { sessionFrame } from "../grammars.ts";
import { joined } from "../mutation.ts";
import { claim, type Target, type World } from "../target.ts";
import { watchedLog } from "./watched_log.ts";

const TOKEN = "the operator's own token";
const chat: Assets = { chat: { type: "text/html", text: '<p data-network="default">', etag: '"1"' } };
const proxied = clientAddress({ from: ["loopback"] });
const forwarded = clientAddress({ from: ["loopback"], header: "forwarded" });

/** Bytes of a request that the servers pass on. */
const LONGEST = 65_536;

class HttpWorld implements World {
  readonly #clock = new VirtualClock();
  readonly #log = watchedLog();
  readonly #node = new RendezvousNode({
    ...{
      identity,
      access: { kind: "open" } as const,
      hosts: ["a"],
      chat,
      network: "<x>&\"'",
      clock: this.#clock,
    },
    ...{ publicMetrics: true, log: this.#log.logger, operators: [otherPeer.id] },
  });
  #admitted = 0;
  #request: Request | undefined;

  constructor() {
    new OperatorConsole(this.#node, { token: TOKEN, assets: chat, clock: this.#clock }).mount(this.#node.app);
  }

  prepare(whole: Uint8Array): Uint8Array {
    const part = whole.subarray(0, LONGEST);
    this.#request = requestOf(part);
    return part;
  }

  async feed(part: Uint8Array): Promise<string> {
    if (part.length === 0) await this.#clock.advance(1_000);
    const request = this.#request;
    if (request === undefined) return "none";
    const path = new URL(request.url).pathname;
    const address = [proxied, forwarded][part.length % 2]!("127.0.0.1", request.headers);
    const isOperator = request.headers.get("authorization") === `Bearer ${TOKEN}`;
    const upgrade = (admission: { release(): void }) => {
      this.#admitted++;
      admission.release();
      return new Response(null, { status: 200 });
    };
    const response = await this.#node.app.fetch(request, { upgrade, address });
    claim(response.status < 500 || response.status === 503, `status ${response.status} for ${path}`);
    const guarded = /^\/v1\/operator\//.test(path);
    claim(
      !guarded || isOperator || response.status === 401,
      `${path} is open to strangers: ${response.status}`,
    );
    if (response.status === 200 && response.body) this.#look(await response.text(), response.headers);
    return `${path.slice(0, 16)} ${response.status}`;
  }

  #look(text: string, headers: Headers): void {
    if (!/html/.test(headers.get("content-type") ?? "")) return;
    claim(!text.includes("<x>"), "the page holds what somebody wrote, as it stands");
    claim(/default-src 'none'/.test(headers.get("content-security-policy") ?? ""), "a page without a policy");
  }

  check(): void {
    claim(this.#node.handshakes === 0, `${this.#node.handshakes} places are not given back`);
    claim(this.#log.errors.length === 0, `logged as an error: ${this.#log.errors[0]}`);
    claim(this.#node.controls.bans.length <= 20_000, "more bans than are kept");
    claim(!this.#log.texts.some((text) => /\p{Cc}/u.test(text)), "a line of the log is forged");
    this.#log.texts.length = 0;
  }

  async end(): Promise<void> {
    await this.#node.drain(0);
    await this.#clock.advance(60_000);
    claim(this.#clock.timers === 0, `${this.#clock.timers} timers are left`);
  }
}

/** `METHOD path`, lines of headers, an empty line, a body; `undefined` for what no server would pass on. */
function requestOf(part: Uint8Array): Request | undefined {
  const text = Array.from(part, (byte) => String.fromCharCode(byte)).join("");
  const end = text.indexOf("\n\n");
  const [first = "", ...lines] = (end < 0 ? text : text.slice(0, end)).split("\n");
  const [method = "", path = ""] = first.split(" ");
  const body = end < 0 || method === "GET" || method === "HEAD" ? undefined : part.slice(end + 2);
  try {
    const headers = new Headers(lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
    if (body !== undefined && !headers.has("content-length")) headers.set("content-length", `${body.length}`);
    return new Request(new URL(path, "http://a"), { method, headers, body });
  } catch {
    return undefined;
  }
}

const PATHS = [
  "/",
  "/v1/info",
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/mesh",
  "/v1/orders",
  "/chat",
  "/chat/x",
]
  .concat(
    ["state?since=1", "drain", "ban", "unban", "disconnect", "limits", "bans"].map((way) =>
      `/v1/operator/${way}`
    ),
  )
  .concat([
    `/v1/connect/${otherPeer.id}`,
    "/v1/connect/x",
    "/dashboard",
    "/dashboard/../v1/operator/state",
    "//",
    "/%00",
  ]);
const HEADERS = [
  `authorization: Bearer ${TOKEN}`,
  "authorization: Bearer ",
  "upgrade: websocket",
  "connection: Upgrade",
  "sec-websocket-protocol: waymeet.1",
  "sec-websocket-protocol: a, waymeet.1, waymeet.1",
  "sec-websocket-extensions: permessage-deflate",
  "origin: https://evil.example",
  "x-forwarded-for: 1.2.3.4, ::1, 127.0.0.1",
  'forwarded: for="[2001:db8::1]:4711";proto=http, for=unknown, for="',
  'if-none-match: "1"',
  "content-length: 99999999",
  "content-type: application/json",
];
const BODIES: ((dice: Dice) => string)[] = [
  (dice) => JSON.stringify({ subject: subject(dice), reason: sampleText(dice, 30), seconds: dice(3) - 1 }),
  (dice) => JSON.stringify({ sessions: dice(3) * 1e9, framesPerSecond: dice(2) ? "none" : -1 }),
  () => '{"__proto__": {"sessions": 1}, "constructor": 1}',
  () => "[".repeat(20_000),
  () => "{",
];

function subject(dice: Dice): string {
  const subjects = [
    otherPeer.id,
    "10.0.0.0/8",
    "::/0",
    "agent:",
    "agent:x",
    "1.2.3.4",
    "0.0.0.0/33",
    "\u202e",
  ];
  return subjects[dice(subjects.length)]!;
}

export const http: Target = {
  name: "http",
  inputsPerWorld: 300,
  begin: () => new HttpWorld(),
  generate(dice) {
    const request = () => {
      const headers = Array.from({ length: dice(6) }, () => HEADERS[dice(HEADERS.length)]!);
      if (dice(2) === 0) headers.push(HEADERS[0]!);
      const method = ["GET", "POST", "POST", "HEAD", "OPTIONS", "PUT"][dice(6)]!;
      const head = new TextEncoder().encode(
        [`${method} ${PATHS[dice(PATHS.length)]}`, ...headers].join("\n") + "\n\n",
      );
      const body = dice(4) === 0
        ? sessionFrame("ban", dice)
        : new TextEncoder().encode(BODIES[dice(BODIES.length)]!(dice));
      return joined([head, body]);
    };
    return Array.from({ length: 1 + dice(4) }, request);
  },
};
