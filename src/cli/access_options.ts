/**
 * Who may use a node, and how much: the options that can be changed while it runs.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { PeerId } from "../identity/peer_id.ts";
import type { Access } from "../rendezvous/access.ts";
import { askUrl } from "../rendezvous/access_callback.ts";
import { type NodeLimits, readLimits } from "../rendezvous/node_limits.ts";
import { UsageError } from "./failure.ts";
import { list } from "./values.ts";

/** What these options come to. */
export interface AccessChoices {
  access?: Access["kind"];
  allow?: string[];
  deny?: string[];
  tokenIssuer?: string[];
  accessUrl?: string;
  limits?: Partial<NodeLimits>;
  bans?: string;
  operator?: string[];
}

const ACCESS = ["open", "allow-list", "deny-list", "token", "callback"];

/** Adds the options of {@link AccessChoices} to the command. */
export function withAccessOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--access <who>", "who may connect (needed when --host is not this machine)")
        .env("WAYMEET_ACCESS").choices(ACCESS),
    )
    .addOption(
      new Option("--allow <peers...>", "PeerIds or aliases for --access allow-list").env("WAYMEET_ALLOW")
        .argParser(list),
    )
    .addOption(
      new Option("--deny <peers...>", "PeerIds or aliases for --access deny-list").env("WAYMEET_DENY")
        .argParser(list),
    )
    .addOption(
      new Option("--token-issuer <peers...>", "PeerIds or aliases whose tokens --access token accepts")
        .env("WAYMEET_TOKEN_ISSUER").argParser(list),
    )
    .addOption(
      new Option("--access-url <url>", "asked by POST for --access callback; no clear yes in 2 s is a no")
        .env("WAYMEET_ACCESS_URL"),
    )
    .addOption(
      new Option("--limits <name=value...>", "what the node grants, such as sessions=1000; see /v1/info")
        .env("WAYMEET_LIMITS").argParser(limits),
    )
    .addOption(
      new Option("--bans <file>", "keeps bans over a restart").env("WAYMEET_BANS"),
    )
    .addOption(
      new Option(
        "--operator <peers...>",
        "PeerIds or aliases whose bans (waymeet ban) this node and its mesh obey",
      ).env("WAYMEET_OPERATOR").argParser(list),
    );
}

/** `sessions=1000 bytesPerSecond=none`, or the same as a JSON object. */
export function limits(text: string, before: Partial<NodeLimits> | undefined): Partial<NodeLimits> {
  try {
    const named = text.trim().startsWith("{")
      ? JSON.parse(text)
      : Object.fromEntries(list(text, undefined).map(pair));
    return { ...before, ...readLimits(named) };
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function pair(text: string): [string, unknown] {
  const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (name === undefined) {
    throw new RangeError(`write a name and a number, such as sessions=1000, not ${text}`);
  }
  return [name, value === "none" || !Number.isFinite(Number(value)) ? value : Number(value)];
}

/** The access that was chosen; `undefined` when none was. Lists and URLs alone are a choice, too. */
export function accessOf(choices: AccessChoices, peer: (text: string) => PeerId): Access | undefined {
  const kind = choices.access ?? impliedAccess(choices);
  const ids = (texts: string[] | undefined, flag: string) => {
    if (texts === undefined) throw new UsageError(`--access ${kind} needs at least one peer: ${flag} PEER`);
    return new Set(texts.map((text) => peer(text)));
  };
  switch (kind) {
    case undefined:
    case "open":
      return kind && { kind };
    case "allow-list":
      return { kind, peers: ids(choices.allow, "--allow") };
    case "deny-list":
      return { kind, peers: ids(choices.deny, "--deny") };
    case "token":
      return { kind, issuers: ids(choices.tokenIssuer, "--token-issuer") };
    case "callback":
      return { kind, ask: askedAt(choices.accessUrl) };
  }
}

function askedAt(url: string | undefined): ReturnType<typeof askUrl> {
  if (url === undefined) {
    throw new UsageError("--access callback needs to know whom to ask: --access-url URL");
  }
  try {
    return askUrl(url);
  } catch (error) {
    throw new UsageError(`--access-url: ${(error as Error).message}`);
  }
}

function impliedAccess({ allow, deny, tokenIssuer, accessUrl }: AccessChoices): Access["kind"] | undefined {
  const said: Access["kind"][] = [];
  if (allow) said.push("allow-list");
  if (deny) said.push("deny-list");
  if (tokenIssuer) said.push("token");
  if (accessUrl !== undefined) said.push("callback");
  if (said.length > 1) {
    throw new UsageError(`choose between ${said.map((kind) => `--access ${kind}`).join(" and ")}`);
  }
  return said[0];
}

/** Refuses a node that others could reach and whose operator did not say who may. */
export function checkExposure(
  choices: AccessChoices & { host?: string[]; name?: string[]; trustProxy?: string[] },
  access: Access | undefined,
): void {
  const { host: hosts = [], name, trustProxy } = choices;
  const exposed = hosts.filter((host) => !isLoopback(host));
  if (exposed.length === 0 && trustProxy === undefined) return;
  const wildcard = exposed.length === 0 || exposed.some((host) => host === "0.0.0.0" || host === "::");
  if (access !== undefined && (name !== undefined || !wildcard)) return;
  const who = access === undefined ? ACCESS_WAYS : [""];
  const named = name === undefined && wildcard ? " --name meet.example.org" : "";
  const where = [
    hosts.length > 0 && `--host ${hosts.join(" ")}`,
    trustProxy && `--trust-proxy ${trustProxy.join(" ")}`,
  ];
  const front = ["waymeet serve", ...where].filter(Boolean).join(" ");
  const lines = who.map((choice) => `  ${front}${choice && ` ${choice}`}${named}`);
  const asks = access === undefined ? "say who may connect" : "say by which host name peers dial it";
  const reached = exposed[0] ?? "a node behind proxies";
  throw new UsageError(
    `${reached} can be reached from other machines: ${asks}. Type one of\n${lines.join("\n")}`,
  );
}

const ACCESS_WAYS = [
  "--access open",
  "--access allow-list --allow PEER",
  "--access deny-list --deny PEER",
  "--access token --token-issuer PEER",
  "--access callback --access-url URL",
];

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
