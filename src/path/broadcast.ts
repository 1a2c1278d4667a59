/**
 * The `local` path between tabs of one origin, or threads of one process: each peer
 * listens on a BroadcastChannel (WHATWG HTML §9.5) named after itself. Whatever else
 * runs there can write to it, so nothing it says is believed but what is sealed or signed.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Key, SignedBytes } from "../wire/protocol.ts";
import type { Membership, Neighbour, Neighbourhood, Resident } from "./local.ts";

/** Milliseconds within which a peer nearby answers: it takes a few, unless its thread is busy. */
export const BROADCAST_PATIENCE = 100;
/** Peers nearby that are known at once: more tabs than anybody opens. */
const MAX_NEIGHBOURS = 64;

/** As much of a BroadcastChannel as is used. */
export interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
  /** Node, Bun: the channel alone keeps no process alive. */
  unref?(): void;
}

/** What is said on the channel of a peer. */
type Word =
  /** Are you there? */
  | { kind: "who"; from: Key }
  | { kind: "here"; from: Key; record: SignedBytes | undefined }
  | { kind: "packet"; from: Key; bytes: Uint8Array }
  | { kind: "left"; from: Key };

export class Broadcast implements Neighbourhood {
  readonly #open: (name: string) => Channel;

  /** `open` makes a channel of a name. */
  constructor(open: (name: string) => Channel) {
    this.#open = open;
  }

  join(resident: Resident): Membership {
    return new Seat(resident, this.#open);
  }
}

/** The runtime's own channels, where it has them. */
export function broadcastOf(scope: object): Broadcast | undefined {
  const { BroadcastChannel: Own } = scope as { BroadcastChannel?: new (name: string) => Channel };
  return Own && new Broadcast((name) => new Own(name));
}

class Seat implements Membership {
  readonly #resident: Resident;
  readonly #open: (name: string) => Channel;
  readonly #own: Channel;
  readonly #channels = new Map<PeerId, Channel>();
  readonly #asking = new Map<PeerId, Set<(neighbour: Neighbour) => void>>();
  #closed = false;

  constructor(resident: Resident, open: (name: string) => Channel) {
    this.#resident = resident;
    this.#open = open;
    this.#own = this.#channel(resident.id);
    this.#own.onmessage = ({ data }) => {
      const word = readWord(data);
      if (word && !this.#closed) this.#take(word);
    };
  }

  #channel(id: PeerId): Channel {
    const channel = this.#open(`waymeet ${id} ${this.#resident.network}`);
    channel.unref?.();
    return channel;
  }

  find(key: Key): Promise<Neighbour | undefined> {
    const id = peerIdText(key);
    if (this.#closed || id === this.#resident.id) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const asking = this.#asking.get(id) ?? new Set();
      this.#asking.set(id, asking.add(answer));
      const cancel = this.#resident.clock.after(BROADCAST_PATIENCE, () => settle(undefined));
      const settle = (neighbour: Neighbour | undefined) => {
        cancel();
        asking.delete(answer);
        if (asking.size === 0) this.#asking.delete(id);
        resolve(neighbour);
      };
      function answer(neighbour: Neighbour): void {
        settle(neighbour);
      }
      this.#say(id, { kind: "who", from: this.#resident.key });
    });
  }

  leave(): void {
    for (const id of this.#channels.keys()) this.#say(id, { kind: "left", from: this.#resident.key });
    this.#closed = true;
    for (const channel of [this.#own, ...this.#channels.values()]) channel.close();
    this.#channels.clear();
  }

  #say(id: PeerId, word: Word): void {
    if (this.#closed) return;
    let channel = this.#channels.get(id);
    if (!channel) {
      if (this.#channels.size >= MAX_NEIGHBOURS) this.#forgetOldest();
      this.#channels.set(id, channel = this.#channel(id));
    }
    channel.postMessage(word);
  }

  #forgetOldest(): void {
    const [id] = this.#channels.keys();
    this.#channels.get(id!)!.close();
    this.#channels.delete(id!);
  }

  #take(word: Word): void {
    const id = peerIdText(word.from);
    switch (word.kind) {
      case "who":
        return this.#say(id, { kind: "here", from: this.#resident.key, record: this.#resident.record() });
      case "here":
        return this.#asking.get(id)?.forEach((answer) => answer(this.#neighbour(id, word.from, word.record)));
      case "packet":
        return this.#resident.packet(this.#neighbour(id, word.from, undefined), word.bytes);
      case "left":
        return this.#resident.left(word.from);
    }
  }

  #neighbour(id: PeerId, key: Key, record: SignedBytes | undefined): Neighbour {
    const send = (bytes: Uint8Array) => this.#say(id, { kind: "packet", from: this.#resident.key, bytes });
    return { id, key, why: "in the same browser or process", record, send };
  }
}

/** Anybody of this origin may have written it. */
function readWord(data: unknown): Word | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { kind, from, record, bytes } = data as Record<string, unknown>;
  if (!(from instanceof Uint8Array) || from.length !== 32) return undefined;
  if (kind === "who" || kind === "left") return { kind, from };
  if (kind === "packet") return bytes instanceof Uint8Array ? { kind, from, bytes } : undefined;
  return kind === "here" ? { kind, from, record: readSigned(record) } : undefined;
}

function readSigned(record: unknown): SignedBytes | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const { body, signature } = record as Record<string, unknown>;
  const whole = body instanceof Uint8Array && signature instanceof Uint8Array;
  return whole ? { body, signature } : undefined;
}
