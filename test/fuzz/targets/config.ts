/** What operators write and strangers carry: files, flags, environments, tokens, answers of an operator's program. */
import { settings } from "../../../edge/environment.ts";
import { duration, list, nodeUrls, port, stunPorts } from "../../../src/cli/values.ts";
import { limits } from "../../../src/cli/access_options.ts";
import { peerIdBytes } from "../../../src/identity/peer_id.ts";
import { askUrl, judgeByCallback } from "../../../src/rendezvous/access_callback.ts";
import { issueToken, judgeToken, type TokenGrant } from "../../../src/rendezvous/access_token.ts";
import { readBans } from "../../../src/rendezvous/ban_file.ts";
import { parseSubject } from "../../../src/rendezvous/ban_subject.ts";
import { readLimits } from "../../../src/rendezvous/node_limits.ts";
import { clientAddress } from "../../../src/rendezvous/proxies.ts";
import { readQuotas } from "../../../src/rendezvous/quotas.ts";
import type { AuthBody } from "../../../src/wire/protocol.ts";
import type { Dice } from "../../dice.ts";
import { node as issuer, peer } from "../../session/meeting.ts";
import { VirtualClock } from "../../session/virtual_clock.ts";
import { claim, type Target } from "../target.ts";

const context = { network: "test", now: VirtualClock.EPOCH };
const auth = (token: string): AuthBody => ({ id: peerIdBytes(peer.id), token }) as AuthBody;
const GRANT: TokenGrant = { peer: peer.id, network: "test", ttl: 60, now: context.now };
const good = await issueToken(issuer, GRANT);
const TOKENS = [
  good,
  await issueToken(issuer, { ...GRANT, quotas: { framesPerSecond: 5 } }),
  await issueToken(issuer, { ...GRANT, ttl: 1e12 }),
];

/** Readers of what an operator wrote: what is wrong is told by an error of these kinds, which says what to write. */
const READERS: Record<string, (text: string) => unknown> = {
  limits: (text) => readLimits(JSON.parse(text)),
  flag: (text) => limits(text, undefined),
  quotas: (text) => readQuotas(JSON.parse(text)),
  bans: readBans,
  subject: parseSubject,
  environment: (text) => settings({ WAYMEET_ACCESS: "open", WAYMEET_NAME: text, WAYMEET_LIMITS: text }),
  joins: (text) =>
    settings({ WAYMEET_ACCESS: text, WAYMEET_ALLOW: text, WAYMEET_NAME: "a", WAYMEET_JOIN: text }),
  proxies: (text) => clientAddress({ from: text.split(" ") })("127.0.0.1", new Headers()),
  duration,
  port,
  urls: (text) => nodeUrls(text, undefined),
  stun: (text) => stunPorts(text, undefined),
  list: (text) => list(text, undefined),
};

async function feed(part: Uint8Array): Promise<string> {
  const text = new TextDecoder().decode(part.subarray(0, 8_192));
  const read = Object.keys(READERS).filter((name) => reads(name, text));
  const judgement = await judgeToken([issuer.id], auth(text), context);
  claim(!judgement.ok || TOKENS.includes(text), "a token that nobody issued is good");
  return [...read, judgement.ok ? "ok" : judgement.text.slice(0, 24), await answered(text)].join("+");
}

function reads(name: string, text: string): boolean {
  try {
    READERS[name]!(text);
    return true;
  } catch (error) {
    const kind = (error as Error).constructor.name;
    const known = ["TypeError", "RangeError", "SyntaxError", "UsageError", "InvalidArgumentError"];
    claim(known.includes(kind), `${name} fails with ${kind}: ${(error as Error).message}`);
    return false;
  }
}

/** The operator's program answers this text. */
async function answered(text: string): Promise<string> {
  const ask = askUrl("http://a/", () => Promise.resolve(new Response(text)));
  const about = { peer: peer.id, network: "test", address: "", agent: "", token: null };
  const judgement = await judgeByCallback(ask, { ...about, clock: new VirtualClock() });
  const yes = /"allow"\s*:\s*true/.test(text);
  claim(!judgement.ok || yes || /\\u/.test(text), "an answer that is no yes lets somebody in");
  return judgement.ok ? "in" : "out";
}

const TEXTS: ((dice: Dice) => string)[] = [
  (dice) => TOKENS[dice(TOKENS.length)]!,
  (dice) => unsigned(dice),
  (dice) => JSON.stringify({ sessions: dice(9), message: 2 ** dice(40), bytesPerSecond: "none" }),
  (dice) => JSON.stringify({ framesPerSecond: dice(3) - 1, byteBurst: 1e300 }),
  () => JSON.stringify([{ subject: "10.0.0.0/8", reason: "x", until: null }]),
  (dice) => JSON.stringify({ allow: dice(2) === 0, quotas: { framesPerSecond: dice(4) }, reason: "no" }),
  () => "sessions=5 bytesPerSecond=none",
  () => "10.0.0.0/8 ::/0 loopback",
  () => "ws://a wss://b/c",
  (dice) => `${dice(100)}${["ms", "s", "m", "h", "d", ""][dice(6)]}`,
];

/** Heads and claims that somebody made up. */
function unsigned(dice: Dice): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  const alg = ["none", "HS256", "EdDSA", "Ed25519", 5][dice(5)];
  const claims = { iss: issuer.id, sub: peer.id, aud: "test", exp: 2 ** dice(60), cnf: { jwk: {} } };
  const [, , signature] = good.split(".");
  return `${part({ alg, kid: issuer.id, crit: dice(4) ? undefined : ["b64"] })}.${part(claims)}.${signature}`;
}

export const config: Target = {
  name: "config",
  inputsPerWorld: 500,
  begin: () => ({ feed }),
  generate: (dice) => [new TextEncoder().encode(TEXTS[dice(TEXTS.length)]!(dice))],
};
