/**
 * The paths of all links of a peer: who steers each, and what carries packets beside
 * the nodes.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { SteeredHost } from "../link/carrier.ts";
import { readPacket } from "../link/packet.ts";
import type { Finding } from "../link/seeker.ts";
import type { Steering } from "../link/steering.ts";
import type { PathEvents, PathHost, PathTransport } from "../link/transport.ts";
import type { Clock } from "../session/clock.ts";
import { compareBytes } from "../wire/cbor.ts";
import type { Key, SignedBytes } from "../wire/protocol.ts";
import { untoldError, verifyRecord } from "../wire/record.ts";
import { broadcastOf } from "./broadcast.ts";
import { type Membership, type Neighbour, type Neighbourhood, thisProcess } from "./local.ts";
import { LocalSearch } from "./local_search.ts";
import type { PathSource } from "./port.ts";
import { PathSteering } from "./steering.ts";

/** What paths need of their peer. */
export interface PathsOwner {
  readonly id: PeerId;
  readonly key: Key;
  readonly network: string;
  /** `wall` judges records. */
  readonly clock: Clock;
  /** The newest signed record. */
  record(): SignedBytes | undefined;
  /** A first packet of a neighbour with whom there is no link by that path. */
  arrived(from: Key, packet: Uint8Array, reply: (answer: Uint8Array) => void): void;
  /** The link with that peer, if there is one. */
  host(peer: PeerId): PathHost | undefined;
}

/** Where this runtime's peers find each other without a network, best first. */
export function nearby(): Neighbourhood[] {
  const broadcast = broadcastOf(globalThis);
  return broadcast ? [thisProcess, broadcast] : [thisProcess];
}

/** The first that found something; otherwise what the nodes said. */
export async function firstFound(near: Promise<Finding>, nodes: Promise<Finding>): Promise<Finding> {
  nodes.catch(() => {}); // told only when nothing is near
  const first = await Promise.race([near, nodes.catch(() => near)]);
  if (first.kind === "found") return first;
  const other = await near;
  return other.kind === "found" ? other : await nodes;
}

/** A local path of one link. */
interface Lane {
  host: PathHost;
  events: PathEvents;
}

/** Bytes of the largest packet in memory: nothing is cut that a relay would take whole. */
const MAX_LOCAL = 131_072;

export class Paths {
  readonly #owner: PathsOwner;
  readonly #source: PathSource | undefined;
  readonly #memberships: Membership[];
  readonly #lanes: Map<PeerId, Lane> = new Map();
  readonly #search: LocalSearch;
  #closed = false;

  /** `neighbourhoods` in order of preference; `source` finds direct paths, if anything does. */
  constructor(
    owner: PathsOwner,
    neighbourhoods: Neighbourhood[],
    source?: (owner: PathsOwner) => PathSource,
  ) {
    this.#owner = owner;
    this.#source = source?.(owner);
    const { network, id, key, clock } = owner;
    this.#search = new LocalSearch(clock, (host) => this.#seek(host));
    this.#memberships = neighbourhoods.map((each) =>
      each.join({
        network,
        id,
        key,
        clock,
        record: () => owner.record(),
        packet: (from, bytes) => this.#take(from, bytes),
        left: (gone) => this.#lanes.get(peerIdText(gone))?.events.closed("the other peer was closed"),
      })
    );
  }

  /** Who steers a new link. */
  steer(host: SteeredHost): Steering {
    queueMicrotask(() => this.#source?.begun?.(host)); // the link is still being made
    void this.#seek(host);
    return new PathSteering(
      host,
      this.#source,
      () => void this.#seek(host),
      () => this.#search.forget(host),
    );
  }

  /** Looks for a peer nearby; the record is verified. */
  async find(key: Key): Promise<Finding> {
    const { network, clock } = this.#owner;
    for (const membership of this.#memberships) {
      const neighbour = await membership.find(key);
      if (!neighbour?.record) continue;
      const { record, ahead = 0 } = neighbour;
      const now = clock.wall();
      const verdict = await verifyRecord(record, { network, now });
      if (verdict.error !== undefined || compareBytes(verdict.record.peer, key) !== 0) continue;
      // A neighbour shows its own record: by its own clock it holds.
      if (untoldError(verdict.record, now + ahead) !== undefined) continue;
      return { kind: "found", record: { ...verdict.record, ahead } };
    }
    return { kind: "absent" };
  }

  close(): void {
    this.#closed = true;
    this.#search.close();
    for (const membership of this.#memberships) membership.leave();
  }

  /** A link may have a neighbour at its other end: opens a path to it. Returns whether there is one now. */
  async #seek(host: PathHost): Promise<boolean> {
    for (const membership of this.#memberships) {
      const neighbour = await membership.find(host.key);
      if (!neighbour) continue;
      if (!this.#lanes.has(host.peer)) this.#open(host, neighbour);
      break;
    }
    return this.#lanes.get(host.peer)?.host === host;
  }

  #open(host: PathHost, neighbour: Neighbour): Lane | undefined {
    if (this.#closed || this.#owner.host(host.peer) !== host) return undefined;
    host.offer((events) => {
      const lane = { host, events };
      this.#lanes.set(host.peer, lane);
      return this.#lane(neighbour, lane);
    });
    return this.#lanes.get(host.peer);
  }

  #lane(neighbour: Neighbour, lane: Lane): PathTransport {
    let open = true;
    return {
      kind: "local",
      why: neighbour.why,
      maxPacket: MAX_LOCAL,
      buffered: 0,
      send: (packet) => {
        if (open) neighbour.send(packet);
      },
      close: () => {
        open = false;
        if (this.#lanes.get(lane.host.peer) !== lane) return;
        this.#lanes.delete(lane.host.peer);
        if (!this.#closed) this.#search.lost(lane.host);
      },
    };
  }

  #take(from: Neighbour, bytes: Uint8Array): void {
    if (this.#closed) return;
    const host = this.#owner.host(from.id);
    const lane = this.#lanes.get(from.id) ?? (host && this.#open(host, from));
    if (lane) lane.events.packet(bytes);
    else this.#greeted(from, bytes);
  }

  #greeted(from: Neighbour, bytes: Uint8Array): void {
    if (readPacket(bytes)) this.#owner.arrived(from.key, bytes, (answer) => from.send(answer));
  }
}
