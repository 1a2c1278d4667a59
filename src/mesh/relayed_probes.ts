import type { PeerId } from "../identity/peer_id.ts";
import { compareBytes } from "../wire/cbor.ts";
import type { MeshEffect } from "./mesh_effect.ts";
import { MAX_ASKERS, MAX_RELAYED, PROBE_TIMEOUT } from "./mesh_limits.ts";

interface Asker {
  asker: PeerId;
  nonce: Uint8Array;
}

interface Relayed {
  readonly to: PeerId;
  readonly nonce: Uint8Array;
  readonly since: number;
  readonly askers: Asker[];
}

/**
 * Probes on behalf of others. One at a time for each target, under a nonce of our own:
 * whoever asks meanwhile waits for the same answer, so a request that comes back in a
 * circle ends here.
 */
export class RelayedProbes {
  /** Oldest first. */
  readonly #relayed = new Map<PeerId, Relayed>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  ask(asker: Asker, target: PeerId, to: PeerId, now: number): MeshEffect[] {
    this.#expire(now);
    const underWay = this.#relayed.get(target);
    if (underWay) {
      if (underWay.askers.length < MAX_ASKERS) underWay.askers.push(asker);
      return [];
    }
    if (this.#relayed.size >= MAX_RELAYED) return [];
    const nonce = newNonce(this.#random);
    this.#relayed.set(target, { to, nonce, since: now, askers: [asker] });
    return [{ type: "probe", to, nonce, target }];
  }

  answer(from: PeerId, nonce: Uint8Array, target: PeerId): MeshEffect[] {
    const relayed = this.#relayed.get(target);
    if (!relayed || relayed.to !== from || compareBytes(relayed.nonce, nonce) !== 0) return [];
    this.#relayed.delete(target);
    return relayed.askers.map(({ asker, nonce }): MeshEffect => ({
      type: "probeAck",
      to: asker,
      nonce,
      target,
    }));
  }

  #expire(now: number): void {
    for (const [target, { since }] of this.#relayed) {
      if (now - since < PROBE_TIMEOUT) return;
      this.#relayed.delete(target);
    }
  }
}

/** 7 bytes, below 2^48: on the wire an exact number. */
export function newNonce(random: () => number): Uint8Array {
  return Uint8Array.from({ length: 7 }, (_, i) => i === 0 ? 0 : Math.floor(random() * 256));
}
