/**
 * Two conversations and the network between them: it loses, repeats, delays and so
 * reorders packets, and it can be cut; all of it by a seed and on a virtual clock.
 */
import assert from "node:assert/strict";
import type { ByteStream } from "../../src/link/byte_stream.ts";
import { Conversation } from "../../src/link/conversation.ts";
import { MAX_PACKET } from "../../src/link/limits.ts";
import type { Incoming } from "../../src/link/mailbox.ts";
import { Outgoing } from "../../src/link/outgoing.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { seeded } from "../dice.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** What a network does to packets. */
export interface Weather {
  /** Probabilities. */
  loss: number;
  repeat: number;
  /** Milliseconds each way; each packet takes between both. */
  fastest: number;
  slowest: number;
}

export const CALM: Weather = { loss: 0, repeat: 0, fastest: 10, slowest: 10 };

/** One direction or both: carries packets as the weather wants. */
export class Network {
  readonly clock: VirtualClock;
  weather: Weather;
  up = true;
  carried = 0;
  private readonly random: () => number;

  constructor(seed: number, weather: Weather = CALM, clock: VirtualClock = new VirtualClock()) {
    this.clock = clock;
    this.weather = weather;
    this.random = seeded(seed);
  }

  carry(packet: Uint8Array, deliver: (packet: Uint8Array) => void): void {
    this.carried++;
    const copies = this.random() < this.weather.repeat ? 2 : 1;
    for (let i = 0; i < copies; i++) this.carryOne(packet.slice(), deliver);
  }

  private carryOne(packet: Uint8Array, deliver: (packet: Uint8Array) => void): void {
    const { loss, fastest, slowest } = this.weather;
    const delay = fastest + this.random() * (slowest - fastest);
    if (!this.up || this.random() < loss) return;
    this.clock.after(delay, () => this.up && deliver(packet));
  }
}

/** One end: a conversation, what it was told, and a timer like the one of a real link. */
export class End {
  readonly conversation: Conversation;
  readonly inbox: Incoming[] = [];
  readonly delivered: Outgoing[] = [];
  readonly departed: Outgoing[] = [];
  readonly processed: string[] = [];
  readonly answers: number[] = [];
  readonly streams: ByteStream[] = [];
  closedWith: { reason: number; text: string } | undefined;
  /** The other side broke the protocol. */
  violated = false;
  /** Takes messages from the queue at once. */
  reads = true;
  /** Times the timer fired. */
  wakeups = 0;
  other!: End;
  private readonly network: Network;
  private cancel: (() => void) | undefined;
  private made = 0;

  constructor(side: "odd" | "even", network: Network) {
    this.network = network;
    this.conversation = new Conversation(side, {
      message: (message) => {
        this.inbox.push(message);
        if (this.reads) this.conversation.consumed(message.data.length);
      },
      stream: (stream) => void this.streams.push(stream),
      departed: (message) => void this.departed.push(message),
      delivered: (message) => this.onDelivered(message),
      processed: (id) => void this.processed.push(String(id)),
      aboutPath() {},
      signal() {},
      probeAnswered: (nonce) => void this.answers.push(nonce),
      closed: (reason, text) => void (this.closedWith = { reason, text }),
    });
  }

  /** `delivered` must never be said of what the other side does not have. */
  private onDelivered(message: Outgoing): void {
    assert.ok(
      this.other.inbox.some(({ id }) => String(id) === String(message.id)),
      "delivered, but not there",
    );
    this.delivered.push(message);
    message.advance("delivered", 0);
  }

  post(data: Uint8Array, asks: boolean = false): Outgoing {
    const message = new Outgoing(idOf(this.made++), data, asks, 0);
    this.conversation.post(message);
    this.pump();
    return message;
  }

  /** Sends what there is to send and arms the timer. */
  pump(): void {
    const { clock } = this.network;
    const { conversation } = this;
    if (!this.network.up) return;
    for (let packet = this.next(); packet; packet = this.next()) {
      this.network.carry(packet, (bytes) => this.other.receive(bytes));
    }
    assert.ok(conversation.sender.congestion.inFlight >= 0, "less than nothing is in flight");
    this.cancel?.();
    const at = conversation.deadline;
    if (at === Infinity) return void (this.cancel = undefined);
    this.cancel = clock.after(at - clock.now(), () => this.wake());
  }

  next(): Uint8Array | undefined {
    const pieces = this.conversation.transmit(this.network.clock.now(), MAX_PACKET);
    return pieces && joinBytes(pieces);
  }

  private wake(): void {
    this.cancel = undefined;
    this.wakeups++;
    if (!this.network.up) return;
    const now = this.network.clock.now();
    this.conversation.expire(now);
    this.pump();
    assert.ok(this.conversation.deadline > now, "a deadline stays in the past");
  }

  receive(packet: Uint8Array): void {
    if (!this.conversation.receive(packet, this.network.clock.now())) this.violated = true;
    this.pump();
  }

  pathUp(): void {
    this.conversation.resume(this.network.clock.now());
    this.pump();
  }

  pathDown(): void {
    this.conversation.sender.pause();
    this.cancel?.();
    this.cancel = undefined;
  }
}

export function idOf(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}

/** Bytes that tell when they are somewhere else. */
export function sample(size: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length: size }, () => random() * 256);
}

/** Both ends, joined. */
export function wireBetween(
  network: Network = new Network(1),
): { a: End; b: End; network: Network; clock: VirtualClock } {
  const a = new End("odd", network);
  const b = new End("even", network);
  a.other = b;
  b.other = a;
  return { a, b, network, clock: network.clock };
}

/** Cuts the network, or mends it, and tells both ends as their sessions would. */
export function setUp(up: boolean, { a, b, network }: { a: End; b: End; network: Network }): void {
  if (network.up === up) return;
  network.up = up;
  for (const end of [a, b]) up ? end.pathUp() : end.pathDown();
}
