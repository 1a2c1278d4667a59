/**
 * URLs of STUN servers (RFC 7064).
 *
 * @module
 */

/** Where a STUN server is. */
export interface StunHost {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** RFC 8489 §18.6. */
export const STUN_PORT = 3478;

const STUN_URL = /^stun:(\[[\da-f:.]+\]|[^\s/:?@[\]]+)(?::(\d{1,5}))?$/i;

/** Reads a `stun:` URL; `undefined` when it is none. `stuns:` (over TLS) is not read: it says nothing about UDP. */
export function parseStunUrl(url: string): StunHost | undefined {
  const [, host, port = String(STUN_PORT)] = STUN_URL.exec(url) ?? [];
  if (host === undefined || Number(port) > 65_535 || Number(port) === 0) return undefined;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** The `stun:` URL of a host as it stands in a URL: IPv6 addresses in brackets. */
export function stunUrl(host: string, port: number): string {
  return `stun:${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
