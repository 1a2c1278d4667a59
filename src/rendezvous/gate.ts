/**
 * Who may come in: before the handshake by address and load, after it by bans and the operator's choice.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { parseAddress } from "../stun/address.ts";
import { SourceLimit } from "../stun/source_limit.ts";
import { type AuthBody, Reason, Role } from "../wire/protocol.ts";
import { type Access, judge } from "./access.ts";
import { type Admission, Doorway, PEER_ID, type Receive } from "./admission.ts";
import { type Refused, refused } from "./app.ts";
import { Bans } from "./bans.ts";
import { tidy } from "./events.ts";
import type { Crowd } from "./doorstep.ts";
import type { Fabric } from "./fabric.ts";
import type { Journal } from "./journal.ts";
import type { Judgement } from "./judgement.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import { checkedOrigins, type Origins, welcomesPage } from "./origins.ts";

/** Addresses whose rate is remembered: some 100 bytes each. */
const SOURCES = 65_536;

export interface GateOptions {
  network: string;
  access: Access;
  origins: Origins | undefined;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  journal: Journal;
  receive: Receive;
  draining: () => boolean;
  /** Whether memory is short. */
  pressed: () => boolean;
  fabric: Fabric | undefined;
}

export class Gate {
  readonly bans: Bans = new Bans();
  access: Access;
  readonly #o: GateOptions;
  readonly #doorway: Doorway;
  readonly #sources: SourceLimit;
  readonly #origins: Origins;

  constructor(options: GateOptions) {
    const { limits } = options;
    this.#o = options;
    this.access = options.access;
    this.#origins = checkedOrigins(options.origins ?? "any");
    this.#doorway = new Doorway(options.clock, options.receive);
    this.#sources = new SourceLimit({
      get perSecond() {
        return limits.handshakesPerSecond;
      },
      get burst() {
        return limits.handshakeBurst;
      },
      totalPerSecond: Infinity,
      sources: SOURCES,
    });
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#doorway.pending;
  }

  /** Reserves a place for a handshake, before anything is allocated for the stranger. */
  admit(claimed: string, address: string, origin?: string, sought?: readonly string[]): Admission | Refused {
    const obstacle = this.#misfit(claimed, origin) ?? this.#closedTo(address) ?? this.#tooOften(address);
    if (obstacle !== undefined) return this.#turnedAway(obstacle, claimed, address);
    // Where everybody may ask, a stranger may: whoever has no key makes one.
    const answered = this.access.kind === "open" ? sought : undefined;
    return this.#doorway.admit(this.#o.limits.handshakes, claimed as PeerId, address, answered) ??
      this.#turnedAway(OVERRUN, claimed, address);
  }

  /**
   * Why a stranger from there cannot come in now, whatever it asks for: it need not wait to be told, and nothing is
   * made of its request. Takes nothing of its rate. As many may wait as handshakes may be under way: more would have
   * to wait for longer than their programs do.
   */
  turnsAway(address: string, { waiting, fromThere }: Crowd): Refused | undefined {
    const { limits, clock } = this.#o;
    const source = parseAddress(address, 0);
    const obstacle = this.#closedTo(address, fromThere) ??
      (source && this.#sources.isSpent(source, clock.now()) ? TOO_OFTEN : undefined) ??
      (waiting >= limits.handshakes ? OVERRUN : undefined);
    return obstacle && this.#turnedAway(obstacle, "", address);
  }

  /** Whether somebody whose signature is verified may have a session, and how much it may send. */
  async authorize(auth: AuthBody, address: string): Promise<Judgement> {
    const { clock, network } = this.#o;
    const { agent } = auth;
    const ban = this.bans.refusal({ peer: peerIdText(auth.id), address, agent }, clock.wall());
    if (ban !== undefined) return { ok: false, ...ban };
    if (auth.role === Role.node) return this.#judgeNode(auth);
    const judgement = await judge(this.access, auth, { network, address, now: clock.wall(), clock });
    const obstacle = judgement.ok ? await this.#o.fabric?.enter?.(auth) : undefined;
    return obstacle === undefined ? judgement : { ok: false, ...obstacle };
  }

  #judgeNode(auth: AuthBody): Judgement {
    const { fabric } = this.#o;
    const text = fabric ? fabric.obstacle(auth) : "this node takes sessions of peers only";
    return text === undefined ? { ok: true } : { ok: false, reason: Reason.unauthorized, text };
  }

  #misfit(claimed: string, origin?: string): Refused | undefined {
    if (!PEER_ID.test(claimed)) return NO_PEER;
    return welcomesPage(this.#origins, origin) ? undefined : NO_PAGE;
  }

  #closedTo(address: string, waiting = 0): Refused | undefined {
    const { draining, pressed, clock, limits } = this.#o;
    if (draining()) return LEAVING;
    const ban = this.bans.refusal({ address }, clock.wall());
    if (ban !== undefined) return refused(403, ban.reason, ban.text);
    if (pressed()) return PRESSED;
    return this.#doorway.pendingFrom(address) + waiting >= limits.handshakesPerAddress ? CROWDED : undefined;
  }

  #tooOften(address: string): Refused | undefined {
    const source = parseAddress(address, 0);
    if (source === undefined || this.#sources.take(source, this.#o.clock.now()) === "granted") {
      return undefined;
    }
    return TOO_OFTEN;
  }

  #turnedAway(refusal: Refused, claimed: string, address: string): Refused {
    this.#o.metrics.handshakeFailed(refusal.reason);
    this.#o.journal.turnedAway(tidy(claimed), address, refusal.reason, refusal.text);
    return refusal;
  }
}

const NO_PEER = refused(400, Reason.wrongId, "the path names no PeerId of 52 letters");
const NO_PAGE = refused(
  403,
  Reason.unauthorized,
  "this node takes sessions of pages of its own machine only",
);
const LEAVING = refused(503, Reason.draining, "this node is leaving; try another one");
const PRESSED = refused(503, Reason.overCapacity, "this node is short of memory; try another one");
const OVERRUN = refused(
  503,
  Reason.overCapacity,
  "too many handshakes are under way; try again in a second",
);
const CROWDED = refused(
  429,
  Reason.overQuota,
  "too many handshakes from your address are under way; try again in a second",
);
const TOO_OFTEN = refused(
  429,
  Reason.rateLimited,
  "too many handshakes from your address; try again in a second",
);
