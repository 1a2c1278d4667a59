/**
 * The name server's clerk on Bun, Deno and Node.
 *
 * @module
 */
import { Resolver as SystemResolver } from "node:dns/promises";
import type { Resolver } from "../src/rendezvous/mesh_options.ts";

/**
 * Asks the system's name servers, or `server`: `address` or `address:port`.
 *
 * @throws {TypeError} when `server` is no IP address.
 */
export function resolve(server?: string): Resolver {
  const resolver = new SystemResolver({ timeout: 3_000, tries: 2 });
  if (server !== undefined) resolver.setServers([server]);
  return resolver;
}
