/**
 * Whom a ban is about, in one line of text: a PeerId, an address (`192.0.2.7`), a prefix
 * (`2001:db8::/32`), or a part of a user agent (`agent:badbot/`).
 *
 * @module
 */
import { tryPeerId } from "../identity/peer_id.ts";
import { ipText, parseAddress } from "../stun/address.ts";

/** What a {@link Visitor} is compared with. */
export type BanSubject =
  | { kind: "peer"; text: string }
  /** `key` is {@link prefixKey} of the address and these bits. */
  | { kind: "address"; text: string; key: string; bits: number }
  /** In lower case: agents that contain it. */
  | { kind: "agent"; text: string; part: string };

/** Who comes: as much of it as is known yet. */
export interface Visitor {
  peer?: string;
  address?: string;
  agent?: string;
}

/** Longest part of an agent, characters; an agent itself has 256 bytes. */
const MAX_PART = 128;

/**
 * Reads a subject; its `text` is the one way to write it. `undefined` when it is none.
 *
 * @example
 * ```ts
 * parseSubject("192.0.2.77/24")?.text; // "192.0.2.0/24"
 * ```
 */
export function parseSubject(text: string): BanSubject | undefined {
  if (text.startsWith("agent:")) return agentSubject(text.slice("agent:".length).trim().toLowerCase());
  const peer = tryPeerId(text);
  return peer === undefined ? addressSubject(text) : { kind: "peer", text: peer };
}

function agentSubject(part: string): BanSubject | undefined {
  // deno-lint-ignore no-control-regex -- what would break a line of a log or of a file
  if (part === "" || part.length > MAX_PART || /[\u0000-\u001f\u007f]/.test(part)) return undefined;
  return { kind: "agent", text: `agent:${part}`, part };
}

function addressSubject(text: string): BanSubject | undefined {
  const [, address, length] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = address === undefined ? undefined : parseAddress(address, 0)?.ip;
  if (ip === undefined) return undefined;
  const most = ip.length * 8;
  const bits = length === undefined ? most : Number(length);
  // With 0 bits it would be a ban of everybody: what `allow-list` is for.
  if (bits < 1 || bits > most) return undefined;
  const first = masked(ip, bits);
  const plain = ipText({ ip: first });
  return {
    kind: "address",
    text: bits === most ? plain : `${plain}/${bits}`,
    key: prefixKey(first, bits),
    bits: ip.length === 4 ? bits : bits + IPV6,
  };
}

/** Told apart from the lengths of IPv4 prefixes by this much. */
const IPV6 = 1_000;

/** The keys under which a prefix of this address would be found, for prefix lengths as in {@link BanSubject}. */
export function prefixKeys(address: string, lengths: Iterable<number>): string[] {
  const ip = parseAddress(address, 0)?.ip;
  if (ip === undefined) return [];
  const ofFamily = [...lengths].filter((bits) => (bits > IPV6) === (ip.length === 16));
  return ofFamily.map((bits) => {
    const own = bits > IPV6 ? bits - IPV6 : bits;
    return prefixKey(masked(ip, own), own);
  });
}

function prefixKey(first: Uint8Array, bits: number): string {
  return `${first.join(".")}/${bits}`;
}

function masked(ip: Uint8Array, bits: number): Uint8Array {
  return ip.map((byte, i) => {
    const kept = Math.max(0, Math.min(8, bits - 8 * i));
    return byte & (0xff00 >> kept);
  });
}
