/** Peers of a run, and what they say to each other: every message is accounted for. */
import type { Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { Link } from "../../src/link/link.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import type { Dice } from "./dice.ts";
import type { Ledger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** What a change of a peer's place is. */
export type ChangeKind = "join" | "leave" | "crash" | "move";

export interface Habits {
  /** Milliseconds between two messages of a talk, on average. */
  pause: number;
  /** Whether peers still begin to say something. */
  talking: boolean;
}

/** Milliseconds a dial waits for somebody who is away. */
const DIAL_PATIENCE = 60_000;

export class SimPeer {
  readonly number: number;
  readonly identity: Identity;
  readonly urls: string[];
  /** Others it writes to. */
  readonly correspondents: SimPeer[] = [];
  machine: Machine;
  peer: Peer | undefined;
  /** Processes so far; the present one has this number. */
  process = 0;
  skew: number;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #ledger: Ledger;
  readonly #changed: (who: SimPeer, kind: ChangeKind) => void;
  readonly #place: readonly [number, number];
  #reading = new Map<PeerId, Link>();

  constructor(
    world: World,
    number: number,
    urls: string[],
    ledger: Ledger,
    changed: (who: SimPeer, kind: ChangeKind) => void,
  ) {
    const dice = this.#dice = world.dice.fork();
    this.#world = world;
    this.#ledger = ledger;
    this.#changed = changed;
    this.number = number;
    this.urls = urls;
    this.identity = world.identity(world.stations.length + number);
    this.#place = world.somewhere();
    // One in ten machines has a clock that nobody ever set.
    this.skew = dice.chance(0.1) ? dice.between(-240_000, 240_000) : dice.between(-25_000, 25_000);
    this.machine = new Machine(`p${number}`, world.timeline, this.#place, this.skew);
  }

  get id(): PeerId {
    return this.identity.id;
  }

  get present(): boolean {
    return this.peer !== undefined;
  }

  /** Nodes that hold its sessions now, as it believes. */
  get nodes(): PeerId[] {
    return this.peer?.nodes.map(({ id }) => id) ?? [];
  }

  async open(habits: Habits): Promise<void> {
    const { number } = this;
    const machine = this.machine = new Machine(`p${number}`, this.#world.timeline, this.#place, this.skew);
    const process = ++this.process;
    this.#reading = new Map();
    this.#ledger.began(number, process);
    const peer = this.peer = await this.#world.openPeer(machine, this.identity, this.urls, this.#dice.fork());
    let met = false;
    peer.addEventListener("node", ({ state, reason }) => {
      if (this.peer !== peer || state === "stopped") {
        return this.#ledger.stopped(number, process, reason ?? "");
      }
      this.#changed(this, met ? "move" : "join");
      met = true;
    });
    peer.addEventListener("link", ({ link }) => this.#read(link, process));
    for (const other of this.correspondents) this.#talk(peer, other, process, habits);
  }

  /** Says goodbye. */
  async leave(): Promise<void> {
    const { peer } = this;
    this.peer = undefined;
    if (!peer) return;
    this.#ledger.left(this.number, this.process);
    this.#changed(this, "leave");
    await peer.close();
  }

  /** As kill -9. */
  crash(): void {
    this.peer = undefined;
    this.#ledger.died(this.number, this.process);
    this.machine.kill();
    this.#world.network.died(this.machine);
    this.#changed(this, "crash");
  }

  #talk(peer: Peer, other: SimPeer, process: number, habits: Habits): void {
    const { machine } = this;
    let link: Link | undefined;
    let dialling = false;
    const speak = async () => {
      if (dialling) return;
      if (!link || link.closed) {
        dialling = true;
        link = await peer.dial(other.id, { deadline: DIAL_PATIENCE }).catch((error) => this.#missed(error));
        dialling = false;
        if (!link) return;
        this.#read(link, process);
      }
      for (let left = this.#dice.chance(0.1) ? 5 : 1; left > 0; left--) this.#say(link, other, process);
    };
    const again = () => {
      machine.clock.after(this.#dice.between(0.2, 1.8) * habits.pause, () => {
        if (this.peer !== peer || machine !== this.machine) return;
        if (habits.talking) void speak();
        again();
      });
    };
    again();
  }

  #missed(error: unknown): undefined {
    if (error instanceof WaymeetError) return this.#ledger.missed(error.code);
    throw error;
  }

  #say(link: Link, other: SimPeer, process: number): void {
    const entry = this.#ledger.post(this.number, process, other.number, this.#world.now);
    const size = this.#dice.chance(0.02) ? this.#dice.roll(40_000) : this.#dice.roll(200);
    link.send(`${this.number}.${process}.${entry.sequence}.${"x".repeat(size)}`).then(
      () => this.#ledger.delivered(entry, this.#world.now),
      (error) => this.#ledger.rejected(entry, error, this.#world.now),
    );
  }

  /** One reader a conversation: dialling it again, or being dialled, gives another handle of the same. */
  #read(link: Link, process: number): void {
    const known = this.#reading.get(link.peer);
    if (known && !known.closed) return;
    this.#reading.set(link.peer, link);
    void (async () => {
      for await (const message of link) {
        const [from, sender, sequence] = message.text().split(".", 3).map(Number);
        this.#ledger.arrived(from!, sender!, this.number, process, sequence!, this.#world.now);
      }
    })();
  }
}
