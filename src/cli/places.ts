/**
 * Where this user's keys and aliases are.
 *
 * @module
 */
import { join } from "node:path";
import type { Terminal } from "./terminal.ts";

type Surroundings = Pick<Terminal, "env" | "home">;

/** `$XDG_CONFIG_HOME/waymeet` (XDG Base Directory: relative paths are invalid), otherwise `~/.config/waymeet`. */
export function configDirectory({ env, home }: Surroundings): string {
  const base = env["XDG_CONFIG_HOME"];
  return join(base?.startsWith("/") ? base : join(home, ".config"), "waymeet");
}

/** The key of this user's programs, unless they name another. */
export function defaultKeyFile(terminal: Surroundings): string {
  return join(configDirectory(terminal), "key.pem");
}

/** The key of the node at a port: two nodes on one machine must not share one. */
export function nodeKeyFile(terminal: Surroundings, port: number): string {
  return join(configDirectory(terminal), `node-${port}.pem`);
}

/** Names of other peers. */
export function aliasFile(terminal: Surroundings): string {
  return join(configDirectory(terminal), "aliases.json");
}
