/**
 * What an operator changes on a running node: limits, access and bans. Each reaches those who are here.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import { type PeerId, tryPeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { Reason } from "../wire/protocol.ts";
import { type Access, judge } from "./access.ts";
import { BanFile, type BanStore } from "./ban_file.ts";
import { BanOrders } from "./ban_orders.ts";
import { parseSubject } from "./ban_subject.ts";
import { type Ban, noSubject } from "./bans.ts";
import { type NodeEventDetail, type NodeEventType, tidy } from "./events.ts";
import type { Gate } from "./gate.ts";
import type { Guest } from "./guest.ts";
import type { Hall } from "./hall.ts";
import { limitEffects } from "./limit_change.ts";
import { type NodeLimits, nodeLimits } from "./node_limits.ts";
import type { Rates } from "./rates.ts";
import type { Registry } from "./registry.ts";
import type { Shedding } from "./shedding.ts";

export interface ControlsOptions {
  network: string;
  limits: NodeLimits;
  clock: Clock;
  log: Logger;
  gate: Gate;
  hall: Hall;
  rates: Rates;
  shedding: Shedding;
  registry: Registry;
  /** Whose signed bans are obeyed. */
  operators: Iterable<PeerId>;
  /** Where bans are kept over a restart. */
  bans: BanStore | undefined;
  tell: (type: NodeEventType, detail: NodeEventDetail) => void;
}

export class Controls {
  readonly #o: ControlsOptions;
  readonly #file: BanFile | undefined;
  /** Orders of the network's operators. */
  readonly orders: BanOrders;

  constructor(options: ControlsOptions) {
    const { bans: store, log, clock } = options;
    this.#o = options;
    this.orders = new BanOrders({
      ...options,
      ban: (ban) => this.#ban(ban),
      lift: (subject) => void this.unban(subject),
    });
    const failed = (error: unknown) =>
      log.error("the bans could not be written and are tried again: {error}", { error: String(error) });
    this.#file = store && new BanFile({ store, clock, failed });
  }

  /**
   * Changes limits of the running node; those not named stay. Peers that are connected are told what
   * concerns them, and held to it, at once.
   *
   * @throws {RangeError} naming the limit that is out of bounds; then none of them has changed.
   */
  setLimits(changes: Partial<NodeLimits>): void {
    const { limits, log } = this.#o;
    const before = { ...limits };
    const after = nodeLimits({ ...before, ...changes });
    Object.assign(limits, after);
    const names = (Object.keys(after) as (keyof NodeLimits)[]).filter((name) => before[name] !== after[name]);
    if (names.length === 0) return;
    const told = names.map((name) => `${name}: ${before[name]} → ${after[name]}`).join(", ");
    log.info("limits changed: {changes}", { changes: told });
    for (const { type } of limitEffects(before, after)) {
      if (type === "look-at-memory") this.#o.shedding.begin();
      else for (const seat of this.#o.registry) this.#o.rates.tell(seat, false);
    }
  }

  /** Who may have a session from now on. Whom the new choice does not admit leaves; a callback is asked of newcomers alone. */
  async setAccess(access: Access): Promise<void> {
    const { gate, hall, network, clock, log } = this.#o;
    gate.access = access;
    log.info("access changed: {access}", { access: access.kind });
    if (access.kind === "open" || access.kind === "callback") return;
    for (const { guest, session } of [...hall.seated()]) {
      if (access.kind === "token" && keeps(access.issuers, guest)) continue;
      const { address } = guest;
      const judgement = await judge(access, session.auth!, { network, address, now: clock.wall(), clock });
      if (gate.access !== access) return; // changed again meanwhile
      if (!judgement.ok) hall.expel(guest, session, judgement.reason, judgement.text);
    }
  }

  /** Bans that hold now. */
  get bans(): Ban[] {
    return this.#o.gate.bans.list(this.#o.clock.wall());
  }

  /**
   * Ends the sessions that a ban is about and refuses new ones for so many seconds.
   *
   * @throws {RangeError} when `subject` is no PeerId, address, prefix or `agent:…`.
   */
  ban(subject: string, text: string, seconds: number): void {
    this.#ban({ subject, reason: text, until: this.#o.clock.wall() + seconds * 1000 });
  }

  #ban({ subject, reason: text, until }: Ban): void {
    const known = parseSubject(subject);
    if (known === undefined) throw new RangeError(noSubject(subject));
    const { clock, gate, tell } = this.#o;
    gate.bans.add({ subject: known.text, reason: text, until }, clock.wall());
    tell("banned", {
      peer: tryPeerId(known.text) ?? "" as PeerId,
      address: known.kind === "address" ? known.text : "",
      agent: known.kind === "agent" ? known.part : "",
      session: "",
      reason: "banned",
      text: tidy(text),
    });
    this.#expelBanned();
    void this.#file?.write(this.bans);
  }

  /** False when there was no ban. */
  unban(subject: string): boolean {
    const lifted = this.#o.gate.bans.lift(subject);
    if (lifted) void this.#file?.write(this.bans);
    return lifted;
  }

  /**
   * Reads the bans that were kept.
   *
   * @throws {TypeError} when they cannot be read: a node must not start without them.
   */
  async restore(): Promise<void> {
    const now = this.#o.clock.wall();
    for (const ban of await this.#file?.read() ?? []) {
      if (ban.until > now) this.#o.gate.bans.add(ban, now);
    }
    this.#expelBanned();
  }

  /** The node ends. */
  stop(): void {
    this.#file?.stop();
  }

  #expelBanned(): void {
    const { clock, gate, hall } = this.#o;
    const now = clock.wall();
    for (const { guest, session } of [...hall.seated()]) {
      const ban = gate.bans.refusal(guest.visitor(session), now);
      if (ban !== undefined) hall.expel(guest, session, Reason.banned, ban.text);
    }
  }
}

/** The token itself is not kept, but whose it was: who signs still, vouches for it still. */
function keeps(issuers: Iterable<PeerId>, { grant }: Guest): boolean {
  return grant?.issuer !== undefined && [...issuers].includes(grant.issuer);
}
