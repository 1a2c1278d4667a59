/**
 * What the handshakes of all guests of a node have in common.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import { type AcceptOptions, helloOf, type Verdict } from "../session/accept.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import { Ticker } from "../session/ticker.ts";
import { TokenBucket } from "../session/token_bucket.ts";
import { Turn } from "../session/turn.ts";
import { PING_INTERVAL } from "../wire/limits.ts";
import type { AuthBody } from "../wire/protocol.ts";
import type { Gate } from "./gate.ts";
import type { Guest } from "./guest.ts";
import type { IceOffer } from "./ice_offer.ts";
import { foresee } from "./foreseen.ts";
import { limited } from "./judgement.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { NodeOptions } from "./node_options.ts";
import { Turnstile } from "./turnstile.ts";

export interface ReceptionParts
  extends Pick<NodeOptions, "identity" | "hosts" | "liveness" | "pingInterval" | "fabric"> {
  network: string;
  limits: Readonly<NodeLimits>;
  clock: Clock;
  random: (length: number) => Uint8Array;
  log: Logger;
  gate: Gate;
  ice: IceOffer;
  /** URLs of other nodes. */
  nodes: () => string[];
  guestOf: (session: Session) => Guest;
}

/** Signatures checked in one turn of the event loop, some 0.1 ms each. */
const CHECKS = 8;

/**
 * Strangers who failed and are told why, a second and at once. A socket that is closed with a code waits for the
 * other end to close, too; Bun gives it up with all others of four seconds in one turn of the event loop: 4,000 took
 * 60 ms, for which nobody was heard. So in a flood who failed is cut off; who is honest comes again.
 */
const TOLD_PER_SECOND = 16;
const TOLD_AT_ONCE = 64;

type Common = Omit<AcceptOptions, "claimed" | "address" | "handlers">;

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #common: Common;

  constructor(parts: ReceptionParts) {
    const { limits, identity, network, hosts, clock, random, liveness, pingInterval, fabric, ice, log } =
      parts;
    const told = new TokenBucket(TOLD_AT_ONCE, clock.now());
    this.#parts = parts;
    this.#common = {
      get maxPayload() {
        return limits.payload;
      },
      get maxQueue() {
        return limits.queue;
      },
      ...{ identity, network, hosts, clock, random, liveness },
      hello: helloOf({ identity, network }),
      ticker: new Ticker(clock, pingInterval ?? PING_INTERVAL),
      turn: clock.soon && !fabric ? new Turn(clock.soon) : undefined,
      turnstile: new Turnstile(clock, CHECKS).pass,
      tells: () => told.take(1, TOLD_PER_SECOND, TOLD_AT_ONCE, clock.now()),
      welcome: (auth) => ({ nodes: parts.nodes(), ...ice.offer(auth) }),
      authorize: (auth, session, early) => this.#authorize(parts.guestOf(session), auth, early),
      onError: (error) => log.error("a handler failed: {error}", { error }),
    };
  }

  /** Inherited options, because a session keeps them: an idle peer costs three fields of them. */
  for(guest: Guest, behind?: readonly Uint8Array[]): AcceptOptions {
    const { claimed, address } = guest;
    return Object.assign(Object.create(this.#common) as Common, {
      claimed,
      address,
      handlers: guest,
      behind,
    });
  }

  async #authorize(guest: Guest, auth: AuthBody, early: readonly Uint8Array[]): Promise<Verdict> {
    guest.auth = auth;
    // Whoever is written to by frames that came early may answer at once: other nodes have to know of this peer by then.
    const [judgement, foreseen] = await Promise.all([
      this.#parts.gate.authorize(auth, guest.address),
      foresee(early, { network: this.#parts.network, now: this.#parts.clock.wall() }),
    ]);
    guest.foreseen = foreseen;
    guest.refusal = judgement.ok ? undefined : judgement;
    guest.grant = judgement.ok ? limited(judgement) : undefined;
    return judgement.ok ? { ok: true } : { ...judgement, nodes: [] };
  }
}
