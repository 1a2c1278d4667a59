/**
 * Transport addresses as STUN carries them: bytes, because that is what is XORed, compared
 * and bounded; text only at the edges.
 *
 * @module
 */

/** An IP address and a UDP port. */
export interface TransportAddress {
  /** 4 bytes (IPv4) or 16 bytes (IPv6). */
  readonly ip: Uint8Array;
  readonly port: number;
}

/**
 * Reads an address as sockets write it: dotted quads, RFC 4291 §2.2 with `::`, an IPv4 tail or a
 * zone (which is dropped). An IPv4-mapped address (`::ffff:192.0.2.1`) is IPv4, as RFC 4038 §4.2 has it.
 * `undefined` when it is none.
 */
export function parseAddress(text: string, port: number): TransportAddress | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
  const ip = text.includes(":") ? ipv6Bytes(text.replace(/%.*$/, "")) : ipv4Bytes(text);
  return ip && { ip: unmapped(ip), port };
}

/** Letter by letter: a node reads the address of each newcomer several times. */
function ipv4Bytes(text: string): Uint8Array | undefined {
  const ip = new Uint8Array(4);
  let part = 0, digits = 0, value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) {
      value = 10 * value + digit;
      if (++digits > 3 || value > 255) return undefined;
    } else if (text[i] === "." && digits > 0 && part < 3) {
      ip[part++] = value;
      digits = value = 0;
    } else return undefined;
  }
  ip[3] = value;
  return part === 3 && digits > 0 ? ip : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = withoutDots(text)?.split("::");
  if (halves === undefined || halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => half === "" ? [] : half.split(":"));
  const groups = [...head!, ...tail ?? []];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - groups.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...head!, ...new Array<string>(missing).fill("0"), ...tail ?? []];
  return Uint8Array.from(
    all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]),
  );
}

/** `::ffff:192.0.2.1` → `::ffff:c000:201`. */
function withoutDots(text: string): string | undefined {
  const at = text.lastIndexOf(":") + 1;
  if (!text.includes(".", at)) return text;
  const quad = ipv4Bytes(text.slice(at));
  if (quad === undefined) return undefined;
  const [a, b, c, d] = quad as unknown as [number, number, number, number];
  return `${text.slice(0, at)}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`;
}

function unmapped(ip: Uint8Array): Uint8Array {
  const mapped = ip.length === 16 && ip[10] === 0xff && ip[11] === 0xff && ip.subarray(0, 10).every(isZero);
  return mapped ? ip.slice(12) : ip;
}

function isZero(byte: number): boolean {
  return byte === 0;
}

/** As people write it: `192.0.2.1` or RFC 5952 text such as `2001:db8::1`. */
export function ipText({ ip }: Pick<TransportAddress, "ip">): string {
  if (ip.length === 4) return ip.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (ip[2 * i]! << 8 | ip[2 * i + 1]!).toString(16));
  const { from, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, from).join(":")}::${groups.slice(from + length).join(":")}`;
}

/** The first longest run (RFC 5952 §4.2). */
function longestZeros(groups: string[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  let from = 0;
  for (let i = 0; i < groups.length; i++) {
    if (groups[i] !== "0") from = i + 1;
    else if (i + 1 - from > best.length) best = { from, length: i + 1 - from };
  }
  return best;
}

/** `192.0.2.1:3478`, `[2001:db8::1]:3478`. */
export function addressText(address: TransportAddress): string {
  const ip = ipText(address);
  return address.ip.length === 16 ? `[${ip}]:${address.port}` : `${ip}:${address.port}`;
}

export function sameIp(a: TransportAddress, b: TransportAddress): boolean {
  return a.ip.length === b.ip.length && a.ip.every((byte, i) => byte === b.ip[i]);
}

export function sameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.port === b.port && sameIp(a, b);
}
