/**
 * Bans of the whole mesh: orders that an operator signs once, and each node that trusts this operator
 * obeys, keeps, and passes on. A node alone can ban at itself only.
 *
 * @module
 */
import { verify } from "../identity/identity.ts";
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { banSigned, encodeBan } from "../wire/frames.ts";
import type { BanOrder } from "../wire/mesh_protocol.ts";
import { parseSubject } from "./ban_subject.ts";
import { type Ban, MAX_BANS } from "./bans.ts";
import type { NodeWay } from "./node_way.ts";

/** Milliseconds for which the end of a ban is remembered: a node that was away longer might bring the ban back. */
const LIFT_KEPT = 30 * 86_400_000;
/** Milliseconds that an operator's clock may be ahead: an order of next year could not be outdone until then. */
const AHEAD = 60_000;
/** Orders whose signature is verified at once; what is dropped comes again with the next session. */
const MAX_VERIFYING = 64;

export interface BanOrdersOptions {
  network: string;
  /** Whose orders are obeyed. */
  operators: Iterable<PeerId>;
  clock: Clock;
  /** `until` as in {@link Ban}. */
  ban: (ban: Ban) => void;
  lift: (subject: string) => void;
}

interface Held {
  order: BanOrder;
  frame: Uint8Array;
}

export class BanOrders {
  readonly #o: BanOrdersOptions;
  readonly #operators: ReadonlySet<PeerId>;
  readonly #held = new Map<string, Held>();
  readonly #links = new Set<NodeWay>();
  #verifying = 0;

  constructor(options: BanOrdersOptions) {
    this.#o = options;
    this.#operators = new Set(options.operators);
  }

  /** Sessions with nodes that are told of orders, those included that ended since the last one began. */
  get told(): number {
    return this.#links.size;
  }

  /** A node has a session with this one: it is told all orders. */
  joined(link: NodeWay): void {
    for (const other of this.#links) if (other.session.state !== "ready") this.#links.delete(other);
    this.#links.add(link);
    this.#forget();
    for (const { frame } of this.#held.values()) link.session.send(frame);
  }

  /** Obeys an order, unless it is known or superseded. Why not, in words, or `undefined`. */
  async hear(order: BanOrder, from?: NodeWay): Promise<string | undefined> {
    const obstacle = this.#obstacle(order);
    if (obstacle !== undefined || this.#isOld(order)) return obstacle;
    if (this.#verifying >= MAX_VERIFYING) return "too many orders at once; try again in a second";
    this.#verifying++;
    const signed = banSigned(this.#o.network, order);
    const genuine = await verify(order.operator, signed, order.signature).catch(() => false);
    this.#verifying--;
    if (!genuine) return "the signature is wrong, or for another network";
    if (!this.#isOld(order)) this.#take(order, from);
    return undefined;
  }

  #obstacle({ operator, subject, issued }: BanOrder): string | undefined {
    if (!this.#operators.has(peerIdText(operator))) {
      return "this node does not obey this operator (option operators)";
    }
    if (parseSubject(subject)?.text !== subject) return "the order is about nobody";
    if (issued > this.#o.clock.wall() + AHEAD) return "the order is from the future; check the clocks";
    if (this.#held.size >= MAX_BANS) this.#forget();
    const full = this.#held.size >= MAX_BANS && !this.#held.has(subject);
    return full ? `this node holds ${MAX_BANS} orders` : undefined;
  }

  #isOld({ subject, issued }: BanOrder): boolean {
    return issued <= (this.#held.get(subject)?.order.issued ?? -1);
  }

  #take(order: BanOrder, from: NodeWay | undefined): void {
    const { subject, reason, issued, until } = order;
    const frame = encodeBan(order);
    this.#held.set(subject, { order, frame });
    if (until !== 0 && until <= issued) this.#o.lift(subject);
    else this.#o.ban({ subject, reason, until: until === 0 ? Infinity : until });
    for (const link of this.#links) {
      if (link.session.state !== "ready") this.#links.delete(link);
      else if (link !== from) link.session.send(frame);
    }
  }

  #forget(): void {
    const now = this.#o.clock.wall();
    for (const [subject, { order: { issued, until } }] of this.#held) {
      if (until !== 0 && now > Math.max(until, issued + LIFT_KEPT)) this.#held.delete(subject);
    }
  }
}
