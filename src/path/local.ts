/**
 * The `local` path: two peers of one process find each other without any network, and
 * hand their packets over in memory. The same sealed packets as everywhere: a program
 * that embeds a peer need not trust the others around it.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Key, SignedBytes } from "../wire/protocol.ts";

/** A peer, as its neighbourhood sees it. */
export interface Resident {
  readonly network: string;
  readonly id: PeerId;
  readonly key: Key;
  readonly clock: Clock;
  /** Its newest signed record, if it has one. */
  record(): SignedBytes | undefined;
  /** A packet of that neighbour came; MUST NOT throw. */
  packet(from: Neighbour, bytes: Uint8Array): void;
  /** That neighbour is gone. */
  left(key: Key): void;
}

/** Another peer nearby. Nothing about it is proven but by the packets it seals. */
export interface Neighbour {
  readonly id: PeerId;
  readonly key: Key;
  /** In words: `in the same process`. */
  readonly why: string;
  /** Undefined: it has none yet, or did not say. */
  readonly record: SignedBytes | undefined;
  /** Milliseconds by which its clock is ahead; absent: it did not say. */
  readonly ahead?: number;
  send(packet: Uint8Array): void;
}

/** Where peers find each other without a network. */
export interface Neighbourhood {
  join(resident: Resident): Membership;
}
export interface Membership {
  /** Looks for a peer; takes as long as it takes to be sure, which is a moment. */
  find(key: Key): Promise<Neighbour | undefined>;
  leave(): void;
}

/** The peers of one process; tests make others. */
export class LocalProcess implements Neighbourhood {
  readonly #residents = new Map<string, Resident>();

  /** The newest peer of a key takes the place of one before. */
  join(resident: Resident): Membership {
    const place = placeOf(resident.network, resident.id);
    this.#residents.set(place, resident);
    return {
      find: (key) => Promise.resolve(this.#find(resident, key)),
      leave: () => this.#leave(place, resident),
    };
  }

  #find(seeker: Resident, key: Key): Neighbour | undefined {
    const id = peerIdText(key);
    const found = this.#residents.get(placeOf(seeker.network, id));
    return found && found !== seeker ? this.#meet(seeker, found) : undefined;
  }

  /** `found`, as `seeker` sees it. */
  #meet(seeker: Resident, found: Resident): Neighbour {
    return {
      id: found.id,
      key: found.key,
      why: "in the same process",
      record: found.record(),
      ahead: found.clock.wall() - seeker.clock.wall(),
      send: (packet) => queueMicrotask(() => this.#deliver(seeker, found, packet)),
    };
  }

  #deliver(from: Resident, to: Resident, packet: Uint8Array): void {
    if (this.#residents.get(placeOf(to.network, to.id)) !== to) return;
    to.packet(this.#meet(to, from), packet);
  }

  #leave(place: string, resident: Resident): void {
    if (this.#residents.get(place) === resident) this.#residents.delete(place);
    for (const other of this.#residents.values()) {
      if (other.network === resident.network) other.left(resident.key);
    }
  }
}

const placeOf = (network: string, id: PeerId): string => `${id} ${network}`;

/** The peers of this process. */
export const thisProcess: LocalProcess = new LocalProcess();
