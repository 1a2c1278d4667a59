/**
 * How a node is to run: from flags, else the environment, else a file, with one schema.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { PeerId } from "../identity/peer_id.ts";
import type { TurnOptions } from "../rendezvous/ice_offer.ts";
import type { MeshMemory, MeshOptions } from "../rendezvous/mesh_options.ts";
import { UsageError } from "./failure.ts";
import { type AccessChoices, withAccessOptions } from "./access_options.ts";
import { type FabricChoices, withFabricOptions } from "./fabric_options.ts";
import { type FrontChoices, withFrontOptions } from "./front_options.ts";
import type { LogChoices } from "./log.ts";
import { jsonOption, keyOption, logFormatOption, logLevelOption, networkOption } from "./peer_options.ts";
import { count, duration, list, port, stunPorts } from "./values.ts";

/** What the options of `serve` come to. */
export interface ServeChoices extends FrontChoices, AccessChoices, FabricChoices, LogChoices {
  host?: string[];
  port: number;
  stun?: number[] | false;
  iceServer?: string[];
  turn?: string[];
  turnSecret?: string;
  turnTtl?: number;
  key?: string;
  network: string;
  config?: string;
  name?: string[];
  join?: string[];
  meshAllow?: string[];
  meshToken?: string;
  meshUrl?: string[];
  discover?: string;
  dnsServer?: string;
  meshMemory?: string;
  meshFixed?: true;
  meshTarget?: number;
  chat: "on" | "off";
  dashboardToken?: string;
  otlp?: string;
}

/** Adds the options of {@link ServeChoices} to the command. */
export function withServeOptions(command: Command): Command {
  return withFrontOptions(withAccessOptions(withFabricOptions(withNodeOptions(command))))
    .addOption(jsonOption())
    .addOption(logLevelOption("info"))
    .addOption(logFormatOption());
}

function withNodeOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--host <addresses...>",
        "addresses to listen at (default: 127.0.0.1; :: is all of IPv4 and IPv6)",
      )
        .env("WAYMEET_HOST").argParser(list),
    )
    .addOption(
      new Option("--port <port>", "0: any free one").env("WAYMEET_PORT").default(8787).argParser(port),
    )
    .addOption(
      keyOption("key file of this node, made if missing (default: node-PORT.pem in ~/.config/waymeet)"),
    )
    .addOption(networkOption())
    .addOption(
      new Option("--config <file>", "JSON file with the same names as these options").env("WAYMEET_CONFIG"),
    )
    .addOption(
      new Option("--name <hosts...>", "host names by which peers dial this node, or: any")
        .env("WAYMEET_NAME").argParser(list),
    )
    .addOption(
      new Option("--join <urls...>", "nodes of the same network to join; the others are found through them")
        .env("WAYMEET_JOIN").argParser(list),
    )
    .addOption(
      new Option("--mesh-allow <nodes...>", "ids or aliases of nodes that may join")
        .env("WAYMEET_MESH_ALLOW").argParser(list),
    )
    .addOption(
      new Option("--mesh-token <secret>", "who knows it may join: at least 16 bytes, the same at all nodes")
        .env("WAYMEET_MESH_TOKEN"),
    )
    .addOption(
      new Option(
        "--mesh-url <urls...>",
        "where other nodes dial this one, or: none (default: by --name, on this machine by its port)",
      ).env("WAYMEET_MESH_URL").argParser(list),
    )
    .addOption(
      new Option(
        "--discover <domain>",
        "join the nodes that SRV and TXT records at _waymeet._tcp.DOMAIN name",
      )
        .env("WAYMEET_DISCOVER"),
    )
    .addOption(
      new Option("--dns-server <address>", "ip or ip:port to ask for them (default: the system's)")
        .env("WAYMEET_DNS_SERVER"),
    )
    .addOption(
      new Option("--mesh-memory <file>", "remembers the nodes that were met, for the next start")
        .env("WAYMEET_MESH_MEMORY"),
    )
    .addOption(
      new Option("--mesh-fixed", "dial the nodes of --join alone, and always").env("WAYMEET_MESH_FIXED"),
    )
    .addOption(
      new Option("--mesh-target <n>", "sessions with other nodes to keep (default: 8)")
        .env("WAYMEET_MESH_TARGET").argParser(count),
    )
    .addOption(
      new Option("--chat <on|off>", "the chat for browsers at /chat").env("WAYMEET_CHAT")
        .choices(["on", "off"]).default("on"),
    )
    .addOption(
      new Option(
        "--dashboard-token <secret>",
        "serve the operator's dashboard to who has it (default: a fresh one on this machine, else none)",
      ).env("WAYMEET_DASHBOARD_TOKEN"),
    )
    .addOption(
      new Option(
        "--otlp <url>",
        "report metrics and spans to this OpenTelemetry collector, by OTLP over HTTP",
      )
        .env("OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    .addOption(
      new Option(
        "--stun <ports...>",
        "UDP ports for STUN, one or two, or: off (default: the number of --port)",
      )
        .env("WAYMEET_STUN").argParser(stunPorts),
    )
    .addOption(
      new Option("--ice-server <urls...>", "STUN servers elsewhere that peers are told of, stun:host:port")
        .env("WAYMEET_ICE_SERVER").argParser(list),
    )
    .addOption(
      new Option(
        "--turn <urls...>",
        "TURN server that peers are told of, turn:host:port; needs --turn-secret",
      )
        .env("WAYMEET_TURN").argParser(list),
    )
    .addOption(
      new Option(
        "--turn-secret <file>",
        "file with the secret that the TURN server shares (coturn: static-auth-secret)",
      )
        .env("WAYMEET_TURN_SECRET"),
    )
    .addOption(
      new Option("--turn-ttl <time>", "how long a TURN credential is good (default: 1d)")
        .env("WAYMEET_TURN_TTL").argParser(duration),
    );
}

/** Fills in from the configuration file what neither a flag nor the environment said. */
export async function applyConfigFile(command: Command, path: string): Promise<void> {
  const values = await readConfig(path);
  const options = command.options.filter(({ long }) => long !== "--config" && long !== undefined);
  const known = new Map(options.map((option) => [option.long!.slice(2), option]));
  for (const [name, value] of Object.entries(values)) {
    const option = known.get(name);
    if (option === undefined) {
      throw new UsageError(
        `${path}: "${name}" is no option; there are: ${[...known.keys()].sort().join(", ")}`,
      );
    }
    apply(command, option, value, path);
  }
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((error) => {
    throw new UsageError(
      `the configuration ${path} cannot be read (${error.message}); name another with --config`,
    );
  });
  const value = parseJson(text, path);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UsageError(`${path} must hold a JSON object, such as {"port": 8787}`);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`);
  }
}

/** A file's value goes through the same parser as a flag's. */
function apply(command: Command, option: Option, value: unknown, path: string): void {
  const name = option.attributeName();
  const source = command.getOptionValueSource(name);
  if (source === "cli" || source === "env") return;
  command.setOptionValueWithSource(name, parsed(option, value, path), "config");
}

function parsed(option: Option, value: unknown, path: string): unknown {
  const wrong = (why: string): never => {
    throw new UsageError(`${path}: "${option.long!.slice(2)}" ${why}`);
  };
  if (option.isBoolean()) return typeof value === "boolean" ? value || undefined : wrong("is true or false");
  const texts = Array.isArray(value) && option.variadic ? value : [asText(option, value)];
  if (!texts.every((text) => typeof text === "string" || typeof text === "number")) {
    return wrong(option.variadic ? "is a list of strings" : "is a string or a number");
  }
  try {
    const parse = option.parseArg ?? ((text: string) => text);
    return texts.reduce<unknown>((before, text) => parse(String(text), before as never), undefined);
  } catch (error) {
    return wrong(`is wrong: ${(error as Error).message}`);
  }
}

/** Limits stand in a file as an object. */
function asText(option: Option, value: unknown): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && option.long === "--limits" ? JSON.stringify(value) : value;
}

/** How to join other nodes; `undefined` when nothing was said of it. `memory` makes what keeps a file. */
export function meshOf(
  choices: ServeChoices,
  node: (text: string) => PeerId,
  memory: (path: string) => MeshMemory,
): MeshOptions | undefined {
  const { join, meshAllow, meshToken: token, meshUrl, meshTarget: target, discover, dnsServer } = choices;
  const { meshMemory, meshFixed: fixed } = choices;
  if (meshAllow === undefined && token === undefined) {
    const said = [join, meshUrl, target, discover, dnsServer, meshMemory, fixed];
    if (said.every((choice) => choice === undefined)) return undefined;
    throw new UsageError(
      "say which nodes may join: --mesh-token SECRET (the same at all nodes) or --mesh-allow ID ID",
    );
  }
  if (fixed && (discover ?? meshMemory) !== undefined) {
    throw new UsageError("--mesh-fixed dials --join alone: leave out --discover and --mesh-memory");
  }
  return {
    join,
    allow: meshAllow?.map((text) => node(text)),
    token,
    urls: meshUrl?.join() === "none" ? [] : meshUrl,
    target,
    discover,
    dnsServer,
    memory: meshMemory === undefined ? undefined : memory(meshMemory),
    fixed,
  };
}

/** The TURN server to tell peers of; `undefined` when none was named. */
export async function turnOf({ turn, turnSecret, turnTtl }: ServeChoices): Promise<TurnOptions | undefined> {
  if (turn === undefined && turnSecret === undefined) return undefined;
  if (turn === undefined || turnSecret === undefined) {
    throw new UsageError("a TURN server is --turn turn:host:port together with --turn-secret FILE");
  }
  const secret = await readFile(turnSecret, "utf8").catch((error) => {
    throw new UsageError(`the secret ${turnSecret} cannot be read (${error.message})`);
  });
  return { urls: turn, secret: secret.trim(), ttl: turnTtl === undefined ? undefined : turnTtl / 1_000 };
}
