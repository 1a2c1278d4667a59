/**
 * Whose word about a client's address counts.
 *
 * @module
 */
import { ipText, parseAddress } from "../stun/address.ts";

/** Proxies before a node, and where they write whom they speak for. */
export interface TrustedProxies {
  /** Addresses (`10.0.0.7`), prefixes (`10.0.0.0/8`, `fd00::/8`), `loopback` or `private`. */
  readonly from: readonly string[];
  /**
   * The one header that they set: `x-forwarded-for` (default) or `forwarded` (RFC 7239). One alone, because
   * most proxies pass on untouched the other, in which a client may have written what it likes.
   */
  readonly header?: "x-forwarded-for" | "forwarded";
}

/** Says whose request it is: from the address of the connection and the headers. */
export type ClientAddress = (connection: string, headers: Headers) => string;

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  // RFC 1918 and RFC 4193
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/**
 * Reads the client's address as {@link TrustedProxies} say: from the right, where the nearest proxy
 * wrote, past the proxies named, to the first that is none. What stands left of it anybody may have
 * written. Without proxies, and from any other, it is the address of the connection.
 *
 * @throws {TypeError} when a proxy is written in none of these ways.
 *
 * @example
 * ```ts
 * const client = clientAddress({ from: ["10.0.0.0/8"] });
 * client("10.0.0.7", new Headers({ "x-forwarded-for": "1.2.3.4, 192.0.2.9" })); // "192.0.2.9"
 * client("198.51.100.1", new Headers({ "x-forwarded-for": "1.2.3.4" })); // "198.51.100.1"
 * ```
 */
export function clientAddress({ from, header = "x-forwarded-for" }: TrustedProxies): ClientAddress {
  const prefixes = from.flatMap((text) => NAMED[text] ?? [text]).map(prefixOf);
  const trusted = (address: string): boolean => {
    const ip = parseAddress(address, 0)?.ip;
    return ip !== undefined && prefixes.some((prefix) => within(ip, prefix));
  };
  const hopsOf = header === "forwarded" ? forwardedFor : listed;
  return (connection, headers) => {
    let nearest = connection;
    const hops = hopsOf(headers.get(header) ?? "");
    for (let i = hops.length - 1; i >= 0 && trusted(nearest); i--) {
      const hop = hops[i]!;
      if (hop === undefined) break; // "unknown", a pseudonym, nonsense: who wrote it is the last that is known
      nearest = hop;
    }
    return nearest;
  };
}

interface Prefix {
  ip: Uint8Array;
  bits: number;
}

function prefixOf(text: string): Prefix {
  const [address = "", length] = text.split("/");
  const ip = parseAddress(address, 0)?.ip;
  const most = ip === undefined ? 0 : ip.length * 8;
  const bits = length === undefined ? most : Number(length);
  if (ip === undefined || !/^\d{1,3}$/.test(length ?? "0") || bits > most) {
    throw new TypeError(
      `"${text}" is no proxy: write an address, a prefix such as 10.0.0.0/8, loopback or private`,
    );
  }
  return { ip, bits };
}

function within(ip: Uint8Array, prefix: Prefix): boolean {
  if (ip.length !== prefix.ip.length) return false;
  return ip.every((byte, i) => {
    const left = Math.min(8, Math.max(0, prefix.bits - 8 * i));
    const mask = 0xff00 >> left & 0xff;
    return (byte & mask) === (prefix.ip[i]! & mask);
  });
}

/** Proxies in a row that are believed: a client may write a header full of them, and each costs some microseconds. */
const MOST_HOPS = 32;

/** What stands rightmost, where the nearest proxies wrote. */
function nearest(value: string): string[] {
  return value.split(",").slice(-MOST_HOPS);
}

/** `X-Forwarded-For: client, proxy`; some write ports, too. */
function listed(value: string): (string | undefined)[] {
  return nearest(value).map((part) => addressOf(part.trim()));
}

/**
 * `Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"` (RFC 7239 §4). Divided at every comma, those
 * within quotes included: a client that opens a quote and never closes it must not swallow what its proxy adds.
 */
function forwardedFor(value: string): (string | undefined)[] {
  return nearest(value).map((element) => {
    const text = /(?:^|;)\s*for\s*=\s*"?([^";\s]*)"?\s*(?:;|$)/i.exec(element)?.[1];
    return text === undefined ? undefined : addressOf(text);
  });
}

function addressOf(text: string): string | undefined {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, "$1");
  const parsed = parseAddress(bare, 0);
  return parsed && ipText(parsed);
}
