import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { readPacket, writeUnknown } from "../link/packet.ts";
import type { Plane } from "../link/planes.ts";
import type { Route } from "../link/route.ts";
import type { SharedLink } from "../link/shared_link.ts";
import type { Clock } from "../session/clock.ts";
import type { Key } from "../wire/protocol.ts";
import type { Reception } from "./reception.ts";

/** Where packets go that came from other peers, by whatever path: to their links, or to the reception. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #reception: Reception;
  readonly #link: (peer: PeerId) => SharedLink | undefined;

  constructor(clock: Clock, reception: Reception, link: (peer: PeerId) => SharedLink | undefined) {
    this.#clock = clock;
    this.#reception = reception;
    this.#link = link;
  }

  /** `from`: what brought it; `reply` sends back by the same. `source` is only borrowed. */
  take(source: Key, bytes: Uint8Array, from: Plane | Route, reply: (answer: Uint8Array) => void): void {
    const packet = readPacket(bytes);
    if (!packet) return;
    const peer = peerIdText(source);
    if (packet.kind === "init") return void this.#reception.receive(source.slice(), peer, packet, reply);
    const shared = this.#link(peer);
    const result = shared?.take(packet, from);
    const instance = shared?.connection.instance;
    if (result?.stamp !== undefined && instance) {
      this.#reception.freshness.learn(peer, instance, result.stamp, this.#clock.now());
    }
    const strange = shared === undefined || result?.unknown;
    if (packet.kind === "transport" && strange) reply(writeUnknown(packet.epoch));
  }
}
