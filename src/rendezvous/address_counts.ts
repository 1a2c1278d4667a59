import { parseAddress } from "../stun/address.ts";

/** How many sessions there are from each IPv4 address or IPv6 /64: who has one address of that has 2^64. */
export class AddressCounts {
  readonly #counts = new Map<string, number>();

  /** 0 for an address that nobody told, and for loopback. */
  of(address: string): number {
    return this.#counts.get(keyOf(address)) ?? 0;
  }

  enter(address: string): void {
    const key = keyOf(address);
    if (key !== "") this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Once for each {@link enter}. */
  leave(address: string): void {
    const key = keyOf(address);
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}

/** Loopback is this machine, or a proxy on it that nobody named: either may be thousands. */
function keyOf(address: string): string {
  const ip = parseAddress(address, 0)?.ip;
  return ip === undefined || isLoopback(ip) ? "" : (ip.length === 4 ? ip : ip.subarray(0, 8)).join(".");
}

/** 127.0.0.0/8 and ::1 (RFC 6890). */
function isLoopback(ip: Uint8Array): boolean {
  return ip.length === 4 ? ip[0] === 127 : ip.every((byte, i) => byte === (i === 15 ? 1 : 0));
}
