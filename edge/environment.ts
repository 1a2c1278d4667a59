/**
 * What platforms without a command line tell a node: the environment, under the names that
 * `waymeet serve` reads too.
 *
 * @module
 */
import { type PeerId, tryPeerId } from "../src/identity/peer_id.ts";
import type { Access } from "../src/rendezvous/access.ts";
import { type Ask, askUrl } from "../src/rendezvous/access_callback.ts";
import type { MeshOptions } from "../src/rendezvous/mesh_options.ts";
import { type NodeLimits, readLimits } from "../src/rendezvous/node_limits.ts";

/** Variables by name; what is no text is not for this file (a platform's bindings). */
export type Environment = Readonly<Record<string, unknown>>;

/** What the environment decides. */
export interface Settings {
  network: string;
  access: Access;
  /** Host names by which peers dial the node. */
  names: readonly string[] | "any";
  /** An outbound-only member: nobody can dial one isolate among many. */
  mesh: MeshOptions | undefined;
  limits: Partial<NodeLimits>;
  publicMetrics: boolean;
  chat: boolean;
}

/**
 * Reads `WAYMEET_NETWORK`, `_ACCESS` (`open`, `allow-list`, `deny-list`, `token`, `callback`), `_ALLOW`, `_DENY`,
 * `_TOKEN_ISSUER`, `_ACCESS_URL`, `_NAME`, `_JOIN`, `_MESH_TOKEN`, `_MESH_ALLOW`, `_LIMITS` (JSON of {@link NodeLimits}), `_METRICS` (`public`) and
 * `_CHAT` (`on`, `off`). Lists are separated by commas or blanks.
 *
 * @throws {TypeError} naming the variable that is missing or wrong, and what to set.
 *
 * @example
 * ```ts
 * settings({ WAYMEET_ACCESS: "open", WAYMEET_NAME: "meet.example.org" }).names; // ["meet.example.org"]
 * ```
 */
export function settings(env: Environment): Settings {
  return {
    network: text(env, "WAYMEET_NETWORK") ?? "default",
    access: accessOf(env),
    names: namesOf(env),
    mesh: meshOf(env),
    limits: limitsOf(env),
    publicMetrics: oneOf(env, "WAYMEET_METRICS", ["private", "public"]) === "public",
    chat: oneOf(env, "WAYMEET_CHAT", ["on", "off"]) === "on",
  };
}

/** The variable, unless it is missing or empty. */
export function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function list(env: Environment, name: string): string[] | undefined {
  return text(env, name)?.split(/[\s,]+/).filter((part) => part !== "");
}

/** The first of `choices` is the default. */
function oneOf(env: Environment, name: string, choices: readonly string[]): string {
  const chosen = text(env, name) ?? choices[0]!;
  if (choices.includes(chosen)) return chosen;
  throw new TypeError(`${name} is one of ${choices.join(", ")}, not "${chosen}"`);
}

function accessOf(env: Environment): Access {
  const kind = text(env, "WAYMEET_ACCESS");
  switch (kind) {
    case "open":
      return { kind };
    case "allow-list":
      return { kind, peers: new Set(ids(env, "WAYMEET_ALLOW")) };
    case "deny-list":
      return { kind, peers: new Set(ids(env, "WAYMEET_DENY")) };
    case "callback":
      return { kind, ask: askedAt(env) };
    case "token":
      return { kind, issuers: new Set(ids(env, "WAYMEET_TOKEN_ISSUER")) };
    default:
      throw new TypeError(
        `choose who may connect: WAYMEET_ACCESS is "open", "allow-list" (with WAYMEET_ALLOW), "deny-list" (with ` +
          `WAYMEET_DENY), "token" (with WAYMEET_TOKEN_ISSUER) or "callback" (with WAYMEET_ACCESS_URL), not ${
            JSON.stringify(kind ?? "")
          }`,
      );
  }
}

function askedAt(env: Environment): Ask {
  const url = text(env, "WAYMEET_ACCESS_URL");
  if (url === undefined) throw new TypeError("WAYMEET_ACCESS_URL has to say whom to ask: https://…");
  return askUrl(url);
}

function ids(env: Environment, name: string): PeerId[] {
  return (list(env, name) ?? missing(name, "PeerIds of 52 letters")).map((id) =>
    tryPeerId(id) ?? missing(name, `PeerIds of 52 letters, which "${id}" is not`)
  );
}

function missing(name: string, what: string): never {
  throw new TypeError(`${name} has to list ${what}`);
}

function namesOf(env: Environment): readonly string[] | "any" {
  const names = list(env, "WAYMEET_NAME") ??
    missing("WAYMEET_NAME", "the host names in the URLs that peers use");
  return names.includes("any") ? "any" : names;
}

function meshOf(env: Environment): MeshOptions | undefined {
  if (text(env, "WAYMEET_FABRIC") !== undefined) {
    throw new TypeError("WAYMEET_FABRIC is for servers: an isolate joins nodes by WAYMEET_JOIN");
  }
  const join = list(env, "WAYMEET_JOIN");
  if (join === undefined) return undefined;
  const token = text(env, "WAYMEET_MESH_TOKEN");
  const allow = text(env, "WAYMEET_MESH_ALLOW") === undefined ? undefined : ids(env, "WAYMEET_MESH_ALLOW");
  if (token === undefined && allow === undefined) {
    throw new TypeError(
      "WAYMEET_JOIN goes with WAYMEET_MESH_TOKEN (or WAYMEET_MESH_ALLOW), the same at all nodes",
    );
  }
  return { join, token, allow, urls: [] };
}

function limitsOf(env: Environment): Partial<NodeLimits> {
  const json = text(env, "WAYMEET_LIMITS");
  if (json === undefined) return {};
  try {
    return readLimits(JSON.parse(json));
  } catch (error) {
    const why = error instanceof RangeError ? `: ${error.message}` : `, not ${json}`;
    throw new TypeError(`WAYMEET_LIMITS is JSON like {"queue":1000000}${why}`);
  }
}
