import { compareBytes } from "../wire/cbor.ts";
import { INIT_WINDOW } from "../link/init_cache.ts";

interface Newest {
  instance: Uint8Array;
  started: number;
  /** Stamp of its newest handshake. */
  time: number;
  /** Monotonic milliseconds at which this was learnt. */
  noted: number;
}

/**
 * The newest process and handshake seen of each peer. A node can keep a first packet
 * back and release it after the conversation went on by another one; what is older
 * than something accepted is refused, so it delivers nothing a second time.
 */
export class Freshness {
  readonly #newest = new Map<string, Newest>();
  #swept = 0;

  /** Peers remembered. */
  get size(): number {
    return this.#newest.size;
  }

  /** True when nothing newer of that peer was seen; remembered then. */
  admit(
    peer: string,
    from: { instance: Uint8Array; started: number },
    time: number,
    now: number,
  ): boolean {
    this.#sweep(now);
    const known = this.#newest.get(peer);
    if (known && from.started < known.started) return false;
    if (known && compareBytes(known.instance, from.instance) === 0 && time <= known.time) return false;
    this.#newest.set(peer, { instance: from.instance, started: from.started, time, noted: now });
    return true;
  }

  /** A handshake that this side began was answered: what the peer began before it is old now. */
  learn(peer: string, instance: Uint8Array, time: number, now: number): void {
    this.#sweep(now);
    const known = this.#newest.get(peer);
    const same = known && compareBytes(known.instance, instance) === 0;
    this.#newest.set(peer, {
      instance,
      started: known?.started ?? 0,
      time: Math.max(time, same ? known.time : 0),
      noted: now,
    });
  }

  /** What is older than the window of first packets is refused for its age alone. */
  #sweep(now: number): void {
    if (now - this.#swept < INIT_WINDOW) return;
    this.#swept = now;
    for (const [peer, { noted }] of this.#newest) {
      if (now - noted > 2 * INIT_WINDOW) this.#newest.delete(peer);
    }
  }
}
