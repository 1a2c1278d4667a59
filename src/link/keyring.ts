/**
 * The epochs of one link: the current one, those its peer has not proven yet, and those
 * that late packets may still use.
 *
 * Who made message 1 knows that the other lives once message 2 opened: its epoch is
 * current at once, and it should seal something at once (an empty packet will do). Who
 * answered knows only when a packet under the new keys opens; till then it goes on under
 * the old ones, so a message 1 alone never disturbs a link (protocol rule 6).
 *
 * @module
 */
import type { Epoch } from "./epoch.ts";
import { INIT_WINDOW } from "./init_cache.ts";
import type { TransportPacket } from "./packet.ts";

/** Milliseconds for which the previous epoch is accepted: the slowest path's delay, with much room (protocol rule 7). */
export const PREVIOUS_EPOCH = 10_000;
/** Milliseconds for which an answered epoch waits for its peer's first packet: as long as its message 1 may be repeated. */
export const UNPROVEN_EPOCH: number = 2 * INIT_WINDOW;
/** Epochs kept of each sort: a peer that shakes hands ten times a second pushes out its own. */
const MAX_KEPT = 4;

export type Opened =
  | {
    kind: "opened";
    plaintext: Uint8Array;
    epoch: Epoch;
    /** This packet proved that the peer has these keys. */
    confirmed: boolean;
  }
  /** Forged, replayed or too old. Say nothing. */
  | { kind: "refused" }
  /** No such epoch here: the sender may be told (packet `unknown`). */
  | { kind: "unknown"; epoch: number };

export interface KeyringOptions {
  /**
   * When both sides begin a handshake at once, each ends with two epochs, proven in
   * different orders. The one made by the side with `oursWin` is sent under. MUST be
   * true on exactly one side, e.g. the one with the smaller id.
   */
  oursWin: boolean;
}

interface Proven {
  epoch: Epoch;
  since: number;
}
interface Retired {
  epoch: Epoch;
  until: number;
}

export class Keyring {
  readonly #oursWin: boolean;
  #current: Proven | undefined;
  /** Answered, not proven; the newest last. */
  #unproven: Epoch[] = [];
  #retired: Retired[] = [];

  constructor({ oursWin }: KeyringOptions) {
    this.#oursWin = oursWin;
  }

  /** The epoch to seal under: the proven one; before there is one, the newest answered; `undefined` without any. */
  get sending(): Epoch | undefined {
    return this.#current?.epoch ?? this.#unproven.at(-1);
  }

  /** True once the peer has proven an epoch. */
  get confirmed(): boolean {
    return this.#current !== undefined;
  }

  /** Takes in the epoch of a finished handshake. `now`: monotonic milliseconds, here and below. */
  add(epoch: Epoch, now: number): void {
    this.sweep(now);
    if (epoch.initiated) return this.#prove(epoch, now);
    this.#unproven.push(epoch);
    if (this.#unproven.length > MAX_KEPT) this.#unproven.shift()!.forget();
  }

  /** Opens a packet under whichever epoch it names. */
  open(packet: TransportPacket, now: number): Opened {
    this.sweep(now);
    const named = this.#epochs().filter((epoch) => epoch.id === packet.epoch);
    if (named.length === 0) return { kind: "unknown", epoch: packet.epoch };
    for (const epoch of named) {
      const plaintext = epoch.open(packet);
      if (plaintext !== undefined) {
        return { kind: "opened", plaintext, epoch, confirmed: this.#heardUnder(epoch, now) };
      }
    }
    return { kind: "refused" };
  }

  /** True when a new handshake is due. */
  needsRekey(now: number): boolean {
    return this.sending?.needsRekey(now) ?? false;
  }

  /** Erases what is over; `add` and `open` do it too. Call it from a timer so that an idle link keeps no old keys. */
  sweep(now: number): void {
    for (const { epoch, until } of this.#retired) if (until <= now) epoch.forget();
    for (const epoch of this.#unproven) if (isStale(epoch, now)) epoch.forget();
    this.#retired = this.#retired.filter(({ until }) => now < until);
    this.#unproven = this.#unproven.filter((epoch) => !isStale(epoch, now));
  }

  /** Erases all keys: the link is over. */
  forget(): void {
    for (const epoch of this.#epochs()) epoch.forget();
    this.#current = undefined;
    this.#unproven = [];
    this.#retired = [];
  }

  #epochs(): Epoch[] {
    const current = this.#current ? [this.#current.epoch] : [];
    return [...current, ...this.#unproven, ...this.#retired.map(({ epoch }) => epoch)];
  }

  #heardUnder(epoch: Epoch, now: number): boolean {
    if (!this.#unproven.includes(epoch)) return false;
    this.#unproven = this.#unproven.filter((other) => other !== epoch);
    this.#prove(epoch, now);
    return true;
  }

  #prove(epoch: Epoch, now: number): void {
    const current = this.#current;
    if (current !== undefined && this.#staysBefore(current, epoch, now)) return this.#retire(epoch, now);
    this.#current = { epoch, since: now };
    if (current !== undefined) this.#retire(current.epoch, now);
  }

  /** Crossing handshakes: made by different sides, proven within the time both are accepted anyway. */
  #staysBefore(current: Proven, epoch: Epoch, now: number): boolean {
    const crossing = current.epoch.initiated !== epoch.initiated && now - current.since < PREVIOUS_EPOCH;
    return crossing && current.epoch.initiated === this.#oursWin;
  }

  #retire(epoch: Epoch, now: number): void {
    this.#retired.push({ epoch, until: now + PREVIOUS_EPOCH });
    if (this.#retired.length > MAX_KEPT) this.#retired.shift()!.epoch.forget();
  }
}

function isStale(epoch: Epoch, now: number): boolean {
  return now - epoch.createdAt >= UNPROVEN_EPOCH;
}
