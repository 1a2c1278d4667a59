/**
 * Who may have a session, once the key is proven: no ban, the operator's access choice, and
 * room in the network.
 *
 * @module
 */
import { peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { type AuthBody, Reason, Role } from "../wire/protocol.ts";
import { type Access, accessObstacle } from "./access.ts";
import type { Bans } from "./bans.ts";
import type { Fabric } from "./fabric.ts";
import type { Refusal } from "./refusal.ts";

export interface GateOptions {
  bans: Bans;
  access: Access;
  network: string;
  clock: Clock;
  fabric: Fabric | undefined;
}

export class Gate {
  readonly #o: GateOptions;

  constructor(options: GateOptions) {
    this.#o = options;
  }

  async refusal(auth: AuthBody): Promise<Refusal | undefined> {
    const { bans, access, network, clock, fabric } = this.#o;
    const ban = bans.refusal(peerIdText(auth.id), clock.wall());
    if (ban !== undefined) return ban;
    if (auth.role === Role.node) return this.#nodeRefusal(auth);
    const obstacle = await accessObstacle(access, auth, { network, now: clock.wall() });
    return obstacle === undefined ? await fabric?.enter?.(auth) : unauthorized(obstacle);
  }

  #nodeRefusal(auth: AuthBody): Refusal | undefined {
    const { fabric } = this.#o;
    const text = fabric ? fabric.obstacle(auth) : "this node takes sessions of peers only";
    return text === undefined ? undefined : unauthorized(text);
  }
}

function unauthorized(text: string): Refusal {
  return { reason: Reason.unauthorized, text };
}
