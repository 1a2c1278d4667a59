/**
 * The object of one peer: a node with a single seat. What it needs to go on after it slept is in
 * {@link ObjectPeer.kept}.
 *
 * @module
 */
import { systemClock } from "../session/clock.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { decodeControl } from "../wire/frames.ts";
import { type HeldBytes, Liveness, Reason } from "../wire/protocol.ts";
import { leftOf } from "../wire/record.ts";
import { frameEnd } from "../wire/sequence.ts";
import { keepSeat, type KeptSession } from "./kept_session.ts";
import { RendezvousNode } from "./node.ts";
import type { NodeOptions } from "./node_options.ts";
import { ObjectFabric } from "./object_fabric.ts";
import type { ObjectPorts, PeerPort } from "./object_ports.ts";
import { hasRoom, joined } from "./queue_room.ts";
import type { Seat } from "./registry.ts";

/** Handshakes under way for one peer: an honest one has one, or two when its network changed. */
const HANDSHAKES = 8;
/** Who is told when the peer leaves: with them, what is kept of a session stays far below 16 KiB (a platform's bound). */
const CORRESPONDENTS = 64;
/** Milliseconds from the first frame after a rest until its counts are told: the only timer of an idle object. */
const TELL_AFTER = 2_000;

export class ObjectPeer implements PeerPort {
  readonly node: RendezvousNode;
  readonly #ports: ObjectPorts;
  #fabric!: ObjectFabric;
  #counting = false;
  /** When the session was established, milliseconds since 1970, and from where. */
  #arrival = { since: 0, address: "" };
  readonly #clock: NonNullable<NodeOptions["clock"]>;

  /** `meshed`: the gateway knows other nodes. `changed`: {@link kept} is not what it was. */
  constructor(options: NodeOptions, ports: ObjectPorts, meshed: boolean, changed: () => void) {
    this.#ports = ports;
    this.#clock = options.clock ?? systemClock;
    this.node = new RendezvousNode({
      ...options,
      limits: { handshakes: HANDSHAKES, ...options.limits, correspondents: CORRESPONDENTS },
      liveness: Liveness.text,
      fabric: (parts) => this.#fabric = new ObjectFabric(parts, ports, meshed, changed),
    });
    this.node.addEventListener("established", ({ address }) => {
      this.#arrival = { since: this.#clock.wall(), address };
      changed();
    });
  }

  /** Something was received: its counts will be told soon. */
  active(): void {
    if (this.#counting) return;
    this.#counting = true;
    this.#clock.after(TELL_AFTER, () => {
      this.#counting = false;
      this.#ports.gateway.count(this.node.metrics.takeTraffic()).catch(() => {}); // counts alone are lost
    });
  }

  /** What is to be kept of the session that stands; `undefined`: nobody is here. */
  get kept(): KeptSession | undefined {
    const { seat } = this;
    return seat && keepSeat(seat, this.#arrival.since, this.#arrival.address);
  }

  resume(socket: Socket, kept: KeptSession): SocketHandlers {
    const { seat, handlers } = this.node.resume(socket, kept);
    this.#arrival = { since: kept.since, address: kept.address };
    this.#fabric.seat = seat;
    if (kept.record) seat.record = { ...kept.record, verifying: 0, waiting: undefined };
    for (const key of kept.correspondents) this.#fabric.listens(seat, key);
    return handlers;
  }

  get seat(): Seat | undefined {
    const { seat } = this.#fabric;
    return seat?.live ? seat : undefined;
  }

  // deno-lint-ignore require-await -- of a port
  async take(source: Uint8Array, batch: Uint8Array, frames: number): Promise<Reason> {
    const { seat } = this;
    if (!seat) return Reason.absent;
    this.active();
    const from = this.#fabric.remote(source);
    this.#fabric.listens(seat, source);
    return this.#deliver(seat, from, batch, frames);
  }

  // deno-lint-ignore require-await -- of a port
  async tell(batch: Uint8Array): Promise<boolean> {
    const { seat } = this;
    if (!seat) return false;
    let frames = 0;
    for (let start = 0; start < batch.length; frames++) {
      const end = frameEnd(batch, start);
      this.#fabric.heard(decodeControl(batch.subarray(start, end)));
      start = end;
    }
    return this.#deliver(seat, this, batch, frames) === Reason.none;
  }

  #deliver(seat: Seat, from: object, batch: Uint8Array, frames: number): Reason {
    const { limits, metrics } = this.node;
    if (!hasRoom(seat, from, batch.length, limits.queue)) return Reason.queueFull;
    const waiting = seat.session.sendBatch(batch);
    if (waiting < 0) return seat.session.state === "ready" ? Reason.queueFull : Reason.gone;
    joined(seat, from, batch.length, waiting);
    metrics.framesOut += frames;
    metrics.bytesOut += batch.length;
    metrics.messagesOut++;
    return Reason.none;
  }

  async find(asker: Uint8Array): Promise<HeldBytes | null> {
    const held = this.seat?.record;
    if (held && held.verifying > 0) {
      await new Promise<void>((resolve) => (held.waiting ??= []).push(resolve));
    }
    const { seat } = this;
    const { signed, expires = 0 } = seat?.record ?? {};
    const left = leftOf(expires, this.#clock.wall());
    if (!seat || !signed || left === 0) return null;
    this.#fabric.listens(seat, asker);
    return { ...signed, left };
  }

  // deno-lint-ignore require-await -- of a port
  async end(session: string, reason: Reason, text: string, nodes: string[]): Promise<void> {
    const { seat } = this;
    if (seat?.session.id === session) seat.session.close(reason, text, nodes);
  }

  // deno-lint-ignore require-await -- of a port
  async present(): Promise<string | null> {
    return this.seat?.session.id ?? null;
  }
}
