/**
 * Failure detection: SWIM's probing (Das, Gupta, Motivala 2002, §3.1 and §4.3), every
 * period one member in a shuffled round: directly, then through others. A process that
 * was itself stopped or starved judges nobody (the lesson of Lifeguard; Dadgar, Phillips,
 * Currey 2018).
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { compareBytes } from "../wire/cbor.ts";
import type { Members } from "./members.ts";
import type { MeshEffect } from "./mesh_effect.ts";
import { PROBE_HELPERS, PROBE_INTERVAL, PROBE_TIMEOUT } from "./mesh_limits.ts";
import { newNonce, RelayedProbes } from "./relayed_probes.ts";
import { shuffle, take } from "./shuffle.ts";

export interface ProbingOptions {
  members: Members;
  /** Where frames for a node without a session go next (`Routes.nextHop`). */
  hop: (target: PeerId) => PeerId | undefined;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** One period: `direct` for its first `PROBE_TIMEOUT`, `indirect` until its end, `answered` as soon as it is. */
interface Period {
  stage: "direct" | "indirect" | "answered";
  readonly target: PeerId;
  readonly nonce: Uint8Array;
  /** Who was asked, so who may answer. */
  readonly asked: Set<PeerId>;
}

/**
 * The loop of one node. Call {@link tick} at {@link due}, as late as that may get, and
 * feed it the probes and answers that arrive.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const [a, b] = ["a".repeat(52), "b".repeat(52)] as [PeerId, PeerId];
 * const members = new Members({ id: a, epoch: 1, urls: [], random: Math.random });
 * members.sessionUp(b, 7, [], 0);
 * const probing = new Probing({ members, hop: () => undefined, random: Math.random }, 0);
 * const probe = probing.tick(probing.due).find(({ type }) => type === "probe");
 * assert(probe?.type === "probe" && probe.target === b);
 * ```
 */
export class Probing {
  readonly #options: ProbingOptions;
  readonly #relayed: RelayedProbes;
  /** Who is still to be probed in this round, the next one last. */
  #round: PeerId[] = [];
  #period: Period | undefined;
  #half: 0 | 1 = 0;
  #due: number;

  constructor(options: ProbingOptions, now: number) {
    this.#options = options;
    this.#relayed = new RelayedProbes(options.random);
    this.#due = now + options.random() * PROBE_TIMEOUT;
  }

  /** When {@link tick} is to be called next, monotonic milliseconds. */
  get due(): number {
    return this.#due;
  }

  /** Does nothing before {@link due}. Drives {@link Members.tick} as well. */
  tick(now: number): MeshEffect[] {
    if (now < this.#due) return [];
    const late = now - this.#due;
    const effects = late > PROBE_TIMEOUT ? this.#excuse(late, now) : this.#judge(now);
    const half = this.#half;
    this.#half = half === 0 ? 1 : 0;
    this.#due = now + (half === 0 ? PROBE_TIMEOUT : PROBE_INTERVAL - PROBE_TIMEOUT);
    return [
      ...effects,
      ...this.#options.members.tick(now),
      ...(half === 0 ? this.#begin() : this.#askOthers()),
    ];
  }

  /** `[probe, nonce, target]` came over the session with `from`. */
  probed(from: PeerId, nonce: Uint8Array, target: PeerId, now: number): MeshEffect[] {
    const { members } = this.#options;
    if (target === members.id) return [{ type: "probeAck", to: from, nonce, target }];
    const to = this.#way(target);
    if (to === undefined || to === from || !members.state(target)) return [];
    return this.#relayed.ask({ asker: from, nonce }, target, to, now);
  }

  /** `[probeAck, nonce, target]` came over the session with `from`. */
  answered(from: PeerId, nonce: Uint8Array, target: PeerId): MeshEffect[] {
    const period = this.#period;
    if (period?.target === target && period.asked.has(from) && compareBytes(nonce, period.nonce) === 0) {
      period.stage = "answered";
      return [];
    }
    return this.#relayed.answer(from, nonce, target);
  }

  /** Answers may lie unread in the socket: the period is void and begins anew. */
  #excuse(late: number, now: number): MeshEffect[] {
    this.#options.members.excuse(late, now);
    this.#period = undefined;
    this.#half = 0;
    return [];
  }

  #judge(now: number): MeshEffect[] {
    if (this.#half === 1 || this.#period?.stage !== "indirect") return [];
    return this.#options.members.suspect(this.#period.target, now);
  }

  #begin(): MeshEffect[] {
    this.#period = undefined;
    const target = this.#options.members.takeDoubt() ?? this.#nextOfRound();
    if (target === undefined) return [];
    const nonce = newNonce(this.#options.random);
    const to = this.#way(target);
    this.#period = { stage: "direct", target, nonce, asked: new Set(to === undefined ? [] : [to]) };
    return to === undefined ? [] : [{ type: "probe", to, nonce, target }];
  }

  #askOthers(): MeshEffect[] {
    const period = this.#period;
    if (period?.stage !== "direct") return [];
    period.stage = "indirect";
    const { nonce, target } = period;
    return this.#helpers(period).map((to): MeshEffect => {
      period.asked.add(to);
      return { type: "probe", to, nonce, target };
    });
  }

  #helpers({ target, asked }: Period): PeerId[] {
    const { members, random } = this.#options;
    const able = [...members.sessions.keys()].filter((node) =>
      node !== target && !asked.has(node) && members.state(node) === "alive"
    );
    return take(able, PROBE_HELPERS, random);
  }

  #way(target: PeerId): PeerId | undefined {
    const { members, hop } = this.#options;
    return members.sessions.has(target) ? target : hop(target);
  }

  #nextOfRound(): PeerId | undefined {
    return this.#popLiving() ?? (this.#fillRound(), this.#popLiving());
  }

  #popLiving(): PeerId | undefined {
    for (let node = this.#round.pop(); node !== undefined; node = this.#round.pop()) {
      const state = this.#options.members.state(node);
      if (state === "alive" || state === "suspect") return node;
    }
    return undefined;
  }

  #fillRound(): void {
    const { members, random } = this.#options;
    this.#round = shuffle(Array.from(members, ({ node }) => node), random);
  }
}
