/**
 * Attempts at this node: brings the broker's words to peers here and at other nodes, and
 * passes on what concerns brokers elsewhere, keeping nothing of it.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Answer, AttemptFromNode, AttemptFromPeer, Invite, Report } from "../wire/attempt_protocol.ts";
import { compareBytes } from "../wire/cbor.ts";
import { decodeControl, encodeAttemptFrame, encodeConveyed } from "../wire/frames.ts";
import type { Conveyed } from "../wire/mesh_protocol.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { Broker, type BrokerEffect } from "./broker.ts";
import type { NodeWay } from "./node_way.ts";
import { HOPS } from "./forwarding.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Registry, Seat } from "./registry.ts";
import type { Tracing } from "./tracing.ts";
import { TokenBucket } from "../session/token_bucket.ts";

/** The ways to other nodes. */
export interface AttemptWays {
  /** The neighbour on the way to a peer that is elsewhere, which is watched from now on. */
  toPeer(peer: Key): NodeWay | undefined;
  toNode(node: PeerId): NodeWay | undefined;
}

export interface AttemptsOptions {
  node: Key;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  tracing: Tracing;
  random: (length: number) => Uint8Array;
  /** Without them there are no other nodes. */
  ways: AttemptWays | undefined;
}

export class Attempts {
  readonly #o: AttemptsOptions;
  readonly #broker: Broker;
  #closed = false;
  #armed: { at: number; cancel: () => void } | undefined;

  constructor(options: AttemptsOptions) {
    const { node, limits, random } = options;
    this.#o = options;
    this.#broker = new Broker(node, limits, random);
  }

  /** Attempts that this node brokers now. */
  get size(): number {
    return this.#broker.size;
  }

  /** A peer here speaks. */
  hear(seat: Seat, frame: AttemptFromPeer): void {
    if (!this.#withinRate(seat)) this.#o.metrics.attemptFrameRefused(Reason.rateLimited, seat.key);
    else if (frame.kind === "attempt") {
      const { peer } = frame;
      const known = this.#o.registry.find(peer) !== undefined || this.#o.ways?.toPeer(peer) !== undefined;
      this.#act((now) => this.#broker.ask(seat.key, frame, known, now));
    } else this.#toBroker(seat.key, frame);
  }

  /** Another node speaks, or passes on. */
  conveyed(frame: Conveyed): void {
    if (frame.kind === "attemptTo") this.#conveyToPeer(frame);
    else this.#conveyToBroker(frame);
  }

  /** A peer left this node, or is known at no node any more. */
  gone(peer: PeerId, key: Key): void {
    const elsewhere = this.#o.registry.find(key) !== undefined || this.#o.ways?.toPeer(key) !== undefined;
    if (!elsewhere) this.#act((now) => this.#broker.gone(peer, now));
  }

  /** All have left: nothing is awaited any more, and no timer keeps the process. */
  close(): void {
    this.#closed = true;
    this.#armed?.cancel();
  }

  #conveyToPeer(conveyed: Conveyed): void {
    const seat = this.#o.registry.find(conveyed.peer);
    const frame = decodeControl(conveyed.frame);
    if (!frame || !isFromNode(frame)) return this.#strayFrom(conveyed.broker);
    if (!seat) {
      const passed = this.#passOn(conveyed, this.#o.ways?.toPeer(conveyed.peer));
      if (!passed && frame.kind === "invite") this.#answerFor(conveyed.peer, frame, Reason.peerGone);
    } else if (frame.kind !== "invite") this.#send(seat, conveyed.frame);
    else this.#invite(seat, frame, conveyed);
  }

  /** Both may have asked for an attempt with each other: one of the two goes on. */
  #invite(seat: Seat, invite: Invite, { broker, frame }: Conveyed): void {
    if (compareBytes(invite.broker, broker) !== 0) return this.#strayFrom(broker);
    const { passes, effects } = this.#broker.invites(invite.peer, seat.key);
    this.#act(() => effects);
    if (passes) this.#send(seat, frame);
    else this.#answerFor(seat.key, invite, Reason.superseded);
  }

  #answerFor(peer: Key, { attempt, broker }: Invite, reason: Reason): void {
    this.#toBroker(peer, { kind: "answer", attempt, broker, reason, held: 0 });
  }

  /** What a peer here says to the broker of an attempt. */
  #toBroker(peer: Key, frame: Answer | Report): void {
    if (compareBytes(frame.broker, this.#o.node) === 0) return this.#take(peer, frame);
    const bytes = encodeAttemptFrame(frame);
    const conveyed = { kind: "attemptFrom", hops: HOPS, broker: frame.broker, peer, frame: bytes } as const;
    this.#forward(conveyed, this.#o.ways?.toNode(peerIdText(frame.broker)));
  }

  #conveyToBroker(conveyed: Conveyed): void {
    if (compareBytes(conveyed.broker, this.#o.node) !== 0) {
      return void this.#passOn(conveyed, this.#o.ways?.toNode(peerIdText(conveyed.broker)));
    }
    const frame = decodeControl(conveyed.frame);
    if (frame?.kind === "answer" || frame?.kind === "report") this.#take(conveyed.peer, frame);
    else this.#strayFrom(conveyed.peer);
  }

  #strayFrom(whom: Key): void {
    this.#o.metrics.attemptFrameRefused(Reason.forbidden, whom);
  }

  #take(peer: Key, frame: Answer | Report): void {
    this.#act((now) =>
      frame.kind === "answer" ? this.#broker.answer(peer, frame, now) : this.#broker.report(peer, frame, now)
    );
  }

  #passOn(conveyed: Conveyed, link: NodeWay | undefined): boolean {
    return conveyed.hops > 0 && this.#forward({ ...conveyed, hops: conveyed.hops - 1 }, link);
  }

  #forward(conveyed: Conveyed, link: NodeWay | undefined): boolean {
    if (link === undefined || link.session.buffered > this.#o.limits.queue) return false;
    return link.session.send(encodeConveyed(conveyed)) >= 0;
  }

  #send(seat: Seat, frame: Uint8Array): void {
    if (!seat.live) return;
    if (seat.session.buffered <= this.#o.limits.queue) seat.session.send(frame);
    else this.#o.metrics.attemptFrameRefused(Reason.queueFull, seat.key);
  }

  #act(step: (now: number) => BrokerEffect[]): void {
    for (const effect of step(this.#o.clock.now())) this.#perform(effect);
    this.#arm();
  }

  #perform(effect: BrokerEffect): void {
    const metrics = this.#o.metrics.attempts;
    switch (effect.type) {
      case "tell":
        return this.#tell(effect.peer, effect.frame);
      case "ended":
        this.#o.tracing.attempt(effect.reason, effect.duration);
        return metrics.ended(effect.reason, effect.duration);
      case "superseded":
        return void metrics.superseded++;
      case "denied":
        return this.#o.metrics.attemptDenied(effect.reason, effect.peer);
    }
  }

  #tell(peer: Key, frame: AttemptFromNode): void {
    const bytes = encodeAttemptFrame(frame);
    const seat = this.#o.registry.find(peer);
    if (seat !== undefined) return this.#send(seat, bytes);
    const conveyed = { kind: "attemptTo", hops: HOPS, broker: this.#o.node, peer, frame: bytes } as const;
    this.#forward(conveyed, this.#o.ways?.toPeer(peer));
  }

  #arm(): void {
    const { due } = this.#broker;
    if (this.#armed && this.#armed.at <= due) return;
    this.#armed?.cancel();
    this.#armed = undefined;
    if (due === Infinity || this.#closed) return;
    const { clock } = this.#o;
    const cancel = clock.after(Math.max(0, due - clock.now()), () => {
      this.#armed = undefined;
      this.#act((now) => this.#broker.expire(now));
    });
    this.#armed = { at: due, cancel };
  }

  /** These frames cost a node what lookups cost, and are counted with them. */
  #withinRate(seat: Seat): boolean {
    const { lookupsPerSecond, lookupBurst } = this.#o.limits;
    const now = this.#o.clock.now();
    seat.lookups ??= new TokenBucket(lookupBurst, now);
    return seat.lookups.take(1, lookupsPerSecond, lookupBurst, now);
  }
}

function isFromNode(frame: { kind: string }): frame is Invite | AttemptFromNode {
  return frame.kind === "invite" || frame.kind === "start" || frame.kind === "outcome";
}
