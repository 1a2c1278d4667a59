/**
 * Two peers, the brokers of their nodes and the frames between them, without sockets:
 * every frame takes as long, or is lost, as `fate` says.
 */
import {
  attemptDue,
  type AttemptEvent,
  attemptId,
  type AttemptState,
  type Step,
} from "../../src/path/attempt.ts";
import { ask, attemptStep, invited, type Over } from "../../src/path/attempt.ts";
import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import { Broker, type BrokerEffect } from "../../src/rendezvous/broker.ts";
import { type NodeLimits, nodeLimits } from "../../src/rendezvous/node_limits.ts";
import type { AttemptFrame } from "../../src/wire/attempt_frames.ts";
import { Reason } from "../../src/wire/protocol.ts";

/** Milliseconds that the next frame takes, or that it is lost. */
export type Fate = () => number | "lost";

export interface BrokerEnd {
  node: number;
  reason: number;
}

interface Side {
  key: Uint8Array;
  id: PeerId;
  node: number;
  state: AttemptState | undefined;
  /** Whether it accepts invites, and whether a probe of it comes back when both try. */
  accepts: boolean;
  reaches: boolean;
  /** Milliseconds until its candidates are known. */
  gathers: number;
  began: number;
  ends: { id: string | undefined; over: Over; lasted: number }[];
  /** Attempts that were replaced by the other side's. */
  yielded: number;
}

export class BrokerWorld {
  now = 0;
  readonly limits: NodeLimits;
  readonly brokers: (Broker | undefined)[];
  readonly sides: Side[];
  readonly ends: BrokerEnd[] = [];
  superseded = 0;
  granted = 0;
  denied: number[] = [];
  readonly fate: Fate;
  #timers: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  #requests = 0;
  #ids = 0;

  constructor(nodes: [number, number], fate: Fate, limits: Partial<NodeLimits> = {}) {
    this.limits = nodeLimits(limits);
    this.fate = fate;
    const fresh = (length: number) => new Uint8Array(length).fill(++this.#ids);
    this.brokers = [0, 1].map((node) => new Broker(new Uint8Array(32).fill(100 + node), this.limits, fresh));
    this.sides = nodes.map((node, i): Side => {
      const key = new Uint8Array(32).fill(i + 1);
      return {
        key,
        id: peerIdText(key),
        node,
        state: undefined,
        accepts: true,
        reaches: true,
        gathers: 5,
        began: 0,
        ends: [],
        yielded: 0,
      };
    });
  }

  at(delay: number, run: () => void): void {
    this.#timers.push({ at: this.now + delay, order: this.#order++, run });
  }

  /** Runs until nothing is under way. */
  run(): void {
    for (let step = 0; step < 10_000; step++) {
      const next = this.#next();
      if (next === undefined) return;
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    throw new Error("it never ends");
  }

  /** The next thing that happens: a frame, a deadline of a peer, or of a broker. */
  #next(): { at: number; run: () => void } | undefined {
    this.#timers.sort((a, b) => a.at - b.at || a.order - b.order);
    const candidates: { at: number; run: () => void }[] = [];
    const timer = this.#timers[0];
    if (timer) candidates.push({ at: timer.at, run: () => void this.#timers.shift()!.run() });
    this.sides.forEach((side) => {
      if (side.state) {
        candidates.push({
          at: attemptDue(side.state),
          run: () => this.#step(side, { type: "tick" }),
        });
      }
    });
    this.brokers.forEach((broker, node) => {
      if (broker) candidates.push({ at: broker.due, run: () => this.#act(node, broker.expire(this.now)) });
    });
    return candidates.filter(({ at }) => at < Infinity).sort((a, b) => a.at - b.at)[0];
  }

  kill(node: number): void {
    this.brokers[node] = undefined;
  }

  /** One of the peers leaves all nodes. */
  leave(i: number): void {
    const side = this.sides[i]!;
    this.brokers.forEach((broker, node) => broker && this.#act(node, broker.gone(side.id, this.now)));
  }

  ask(i: number): void {
    const side = this.sides[i]!;
    if (side.state) return;
    const broker = new Uint8Array(32).fill(100 + side.node);
    this.#take(side, ask(++this.#requests, broker, this.#other(side).key, this.now));
  }

  cancel(i: number): void {
    this.#step(this.sides[i]!, { type: "cancel" });
  }

  #other(side: Side): Side {
    return this.sides.find((other) => other !== side)!;
  }

  #step(side: Side, event: AttemptEvent): void {
    if (side.state) this.#take(side, attemptStep(side.state, event, this.now));
  }

  #take(side: Side, { state, effects }: Step): void {
    const id = attemptId(side.state ?? state);
    if (!side.state) side.began = this.now;
    side.state = state;
    for (const effect of effects) {
      if (effect.type === "say") this.#say(side, effect.frame);
      if (effect.type === "open") this.at(side.gathers, () => this.#step(side, { type: "gathered" }));
      if (effect.type === "begin") this.#try(side);
      if (effect.type === "over") {
        side.ends.push({ id: id?.join(), over: effect.over, lasted: this.now - side.began });
        side.state = undefined;
      }
    }
  }

  /** Both try at once: the probes of both come back, or not. */
  #try(side: Side): void {
    const other = this.#other(side);
    if (other.state?.phase !== "trying") return;
    for (const each of [side, other]) {
      if (each.reaches) this.at(50, () => this.#step(each, { type: "validated" }));
    }
  }

  #say(side: Side, frame: AttemptFrame): void {
    this.#travel(() => {
      const own = this.brokers[side.node];
      if (!own) return;
      if (frame.kind === "attempt") return this.#act(side.node, own.ask(side.key, frame, true, this.now));
      if (frame.kind !== "answer" && frame.kind !== "report") return;
      const node = frame.broker[0]! - 100;
      if (node === side.node) this.#hear(node, side, frame);
      else this.#travel(() => this.#hear(node, side, frame));
    });
  }

  #hear(node: number, side: Side, frame: AttemptFrame): void {
    const broker = this.brokers[node];
    if (!broker) return;
    if (frame.kind === "answer") this.#act(node, broker.answer(side.key, frame, this.now));
    if (frame.kind === "report") this.#act(node, broker.report(side.key, frame, this.now));
  }

  #act(node: number, effects: BrokerEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "ended") this.ends.push({ node, reason: effect.reason });
      if (effect.type === "superseded") this.superseded++;
      if (effect.type === "denied") this.denied.push(effect.reason);
      if (effect.type === "tell") {
        if (effect.frame.kind === "granted") this.granted++;
        const side = this.sides.find(({ key }) => key[0] === effect.peer[0])!;
        if (side.node === node) this.#deliver(node, side, effect.frame);
        else this.#travel(() => this.#pass(node, side, effect.frame));
      }
    }
  }

  /** The node of the invited looks whether its own attempt of the pair goes before. */
  #pass(from: number, side: Side, frame: AttemptFrame): void {
    const broker = this.brokers[side.node];
    if (!broker) return;
    if (frame.kind === "invite") {
      const { passes, effects } = broker.invites(frame.peer, side.key);
      this.#act(side.node, effects);
      if (!passes) {
        const answer = { kind: "answer", attempt: frame.attempt, broker: frame.broker } as const;
        return this.#travel(() => this.#hear(from, side, { ...answer, reason: Reason.superseded, held: 0 }));
      }
    }
    this.#deliver(side.node, side, frame);
  }

  #deliver(node: number, side: Side, frame: AttemptFrame): void {
    this.#travel(() => {
      if (this.brokers[node]) this.#receive(side, frame);
    });
  }

  #receive(side: Side, frame: AttemptFrame): void {
    if (frame.kind === "invite") return this.#invited(side, frame);
    if (frame.kind === "granted") return this.#step(side, { type: "granted", frame });
    if (frame.kind === "denied") {
      if (side.state?.phase === "asking" && side.state.request === frame.request) {
        this.#step(side, { type: "denied", reason: frame.reason, retryAfter: frame.retryAfter });
      }
      return;
    }
    if (!("attempt" in frame) || side.state === undefined) return;
    if (attemptId(side.state)?.join() !== frame.attempt.join()) return;
    if (frame.kind === "start") this.#step(side, { type: "start", delay: frame.delay });
    if (frame.kind === "outcome") {
      this.#step(side, { type: "outcome", reason: frame.reason, duration: frame.duration });
    }
  }

  #invited(side: Side, frame: AttemptFrame & { kind: "invite" }): void {
    if (side.state) {
      const { state } = side;
      const early = state.phase === "gathering" || state.phase === "ready";
      const own = state.phase === "asking" || (early && state.terms.role === "offerer");
      if (!own || frame.peer[0]! > side.key[0]!) return;
      side.yielded++;
      side.state = undefined;
    }
    this.#take(side, invited(frame, this.now));
    this.at(5, () => this.#step(side, { type: "decided", accepted: side.accepts }));
  }

  #travel(run: () => void): void {
    const delay = this.fate();
    if (delay !== "lost") this.at(delay, run);
  }
}
