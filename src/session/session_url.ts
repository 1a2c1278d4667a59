import type { PeerId } from "../identity/peer_id.ts";
import { MAX_SOUGHT } from "../wire/limits.ts";

/** Where a dialer goes, and the name it swears to have dialled. */
export interface SessionUrl {
  /** The node's base URL with `/v1/connect/{PeerId}` behind its path. */
  url: string;
  /** `host` or `host:port`, as {@link URL.host} writes it: lower case, without the scheme's own port. */
  host: string;
}

/**
 * The URL of a session at the node `base`, which also asks where the peers `find` are.
 *
 * Off loopback only `wss:` is dialled unless `insecure`: once the handshake is over nothing but
 * TLS keeps somebody between from speaking in the session (protocol rule 4).
 *
 * @throws {TypeError} if `base` is no `ws:` or `wss:` URL, or is `ws:` off loopback.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateIdentity } from "../identity/identity.ts";
 * const { id } = await generateIdentity();
 * assert.equal(sessionUrl("wss://meet.example.org/edge/", id).url, `wss://meet.example.org/edge/v1/connect/${id}`);
 * ```
 */
export function sessionUrl(
  base: string,
  id: PeerId,
  insecure: boolean = false,
  find: readonly PeerId[] = [],
): SessionUrl {
  const url = parse(base);
  if (url.protocol === "ws:" && !insecure && !isLoopback(url.hostname)) {
    throw new TypeError(
      `${base} is not encrypted: use wss://${url.host}, or say "insecure" if the line is safe`,
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/connect/${id}`;
  for (const peer of find.slice(0, MAX_SOUGHT)) url.searchParams.append("find", peer);
  url.hash = "";
  return { url: url.href, host: url.host };
}

function parse(base: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url?.protocol === "ws:" || url?.protocol === "wss:") return url;
  throw new TypeError(`a node's URL begins with wss:// (or ws:// on this machine), not "${base}"`);
}

/**
 * Whether a URL names this machine.
 *
 * @throws {TypeError} if it is none.
 */
export function isLoopbackUrl(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}

/** RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || /^127(\.\d+){3}$/.test(host) ||
    host === "[::1]";
}
