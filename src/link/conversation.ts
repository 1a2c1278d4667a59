/**
 * A conversation between two processes: everything between "send this" and "the
 * other side has it", whatever carries the packets and however often the path
 * breaks. It knows neither keys nor sockets nor clocks: plaintext and time come in
 * by {@link Conversation.receive} and {@link Conversation.transmit}, so a simulator
 * can drive it. What it finds out it tells its {@link ConversationEvents}.
 *
 * @module
 */
import { ByteStream } from "./byte_stream.ts";
import { ASK, decodeFrames, encodeProbe, type LinkFrame, type Numbered, type Unnumbered } from "./frames.ts";
import { MAX_STREAMS } from "./limits.ts";
import { Inbox, type Incoming, Outbox } from "./mailbox.ts";
import type { Outgoing } from "./outgoing.ts";
import { Receiver } from "./receiver.ts";
import { Sender, type Source } from "./sender.ts";

/** What a conversation tells its owner, each in the order it happened. */
export interface ConversationEvents {
  message(message: Incoming): void;
  /** The other side began a stream. */
  stream(stream: ByteStream): void;
  /** The last byte of a message left for the first time. */
  departed(message: Outgoing): void;
  delivered(message: Outgoing): void;
  /** The application there is done with the message of this id. */
  processed(id: Uint8Array): void;
  probeAnswered(nonce: number): void;
  /** The other side closed; nothing follows. */
  closed(reason: number, text: string): void;
}

export class Conversation {
  readonly sender: Sender;
  readonly outbox: Outbox;
  private readonly receiver = new Receiver();
  private readonly inbox = new Inbox();
  private readonly streams = new Map<number, ByteStream>();
  private readonly control: { frame: Unnumbered; arrived?: () => void }[] = [];
  private readonly loose: Uint8Array[] = [];
  private readonly events: ConversationEvents;
  /** Ids of streams this side begins: odd for one side, even for the other. */
  private nextStream: number;
  private newestTheirs = 0;
  private turn = 0;

  constructor(side: "odd" | "even", events: ConversationEvents) {
    this.events = events;
    this.nextStream = side === "odd" ? 1 : 2;
    this.outbox = new Outbox(events);
    const source: Source = { next: () => this.nextFrame() };
    this.sender = new Sender(source);
  }

  // What the application wants.

  /** A message that was given up in the meantime is not sent (again). */
  post(message: Outgoing): void {
    if (message.settled) return;
    this.outbox.add(message);
    this.sender.wake();
  }

  /** The application took a message of that many bytes from its queue. */
  consumed(size: number): void {
    this.inbox.read(size);
    this.offerCredit();
  }

  acknowledgeProcessed(id: Uint8Array): void {
    this.enqueue({ kind: "processed", id });
  }

  /** @throws {RangeError} when {@link MAX_STREAMS} are open. */
  openStream(label: string): ByteStream {
    const open = [...this.streams.keys()].filter((id) => id % 2 === this.nextStream % 2).length;
    if (open >= MAX_STREAMS) {
      throw new RangeError(`${MAX_STREAMS} streams are open on this link: close some, or send messages`);
    }
    const stream = this.newStream(this.nextStream, label);
    this.nextStream += 2;
    this.enqueue({ kind: "open", stream: stream.id, label });
    return stream;
  }

  /** The stream has more to send, or its reader read. */
  touched(stream: ByteStream): void {
    this.offerStreamCredit(stream);
    this.sender.wake();
    this.forget(stream);
  }

  probe(nonce: number): void {
    this.loose.push(encodeProbe("probe", nonce));
  }

  /** Says goodbye behind everything posted so far; `arrived` is called when the other side knows. */
  close(reason: number, text: string, arrived: () => void): void {
    this.enqueue({ kind: "close", reason, text }, arrived);
  }

  /** Nothing waits to be sent or acknowledged, here or in a stream. */
  get settled(): boolean {
    const busy = [...this.streams.values()].some((stream) => stream.write.queued > 0 || stream.write.state === "ended");
    return this.outbox.empty && !this.sender.outstanding && this.control.length === 0 && !busy;
  }

  get openStreams(): ByteStream[] {
    return [...this.streams.values()];
  }

  // What arrives and what leaves.

  /** Takes in the plaintext of a packet. False: the other side broke the protocol. */
  receive(plaintext: Uint8Array, now: number): boolean {
    const frames = decodeFrames(plaintext);
    return frames !== undefined && frames.every((frame) => this.take(frame, now));
  }

  /** The plaintext of the next packet, at most about `room` bytes, or `undefined` when nothing is to be sent. */
  transmit(now: number, room: number): Uint8Array | undefined {
    const parts = this.loose.splice(0);
    const ack = this.receiver.acknowledgement(now);
    if (ack) parts.push(ack);
    const used = parts.reduce((sum, part) => sum + part.length, 0);
    if (this.sender.ready && this.sender.transmit(parts, room - used, now) > 0 && !this.sender.ready) parts.push(ASK);
    return parts.length === 0 ? undefined : concat(parts);
  }

  /** When {@link transmit} should be asked next although nothing happened. */
  get deadline(): number {
    return Math.min(this.sender.deadline, this.receiver.deadline);
  }

  /** Called at the {@link deadline}: what waited too long is sent again by the next `transmit`. */
  expire(now: number): void {
    this.sender.expire(now);
  }

  /** The other side should hear what has arrived, news or not. */
  demandAck(now: number): void {
    this.receiver.demand(now);
  }

  /** A path is there (again): what was under way is sent again, and the other side hears what we have. */
  resume(now: number): void {
    this.sender.resend();
    this.receiver.demand(now);
  }

  private take(frame: LinkFrame, now: number): boolean {
    switch (frame.kind) {
      case "ack":
        return this.sender.acknowledge(frame.next, frame.ranges, now);
      case "probe":
        this.loose.push(encodeProbe("probe-ack", frame.nonce));
        return true;
      case "probe-ack":
        this.events.probeAnswered(frame.nonce);
        return true;
      case "ask":
        this.receiver.demand(now);
        return true;
      default:
        return this.receiver.accept(frame, "bytes" in frame ? frame.bytes.length : 0, now)
          .every((ready) => this.apply(ready));
    }
  }

  private apply(frame: Numbered): boolean {
    switch (frame.kind) {
      case "message":
      case "more":
        return this.applyMessage(this.inbox.take(frame));
      case "processed":
        this.events.processed(frame.id);
        return true;
      case "open":
        return this.applyOpen(frame.stream, frame.label);
      case "credit":
        return this.applyCredit(frame.stream, frame.limit);
      case "bytes":
      case "end":
      case "reset":
        return this.applyStream(frame);
      case "close":
        this.events.closed(frame.reason, frame.text);
        return true;
      case "strange":
        return true;
    }
  }

  private applyMessage(taken: Incoming | undefined | "violation"): boolean {
    if (taken === "violation") return false;
    this.offerCredit();
    if (taken) this.events.message(taken);
    return true;
  }

  private applyOpen(id: number, label: string): boolean {
    const theirs = id % 2 !== this.nextStream % 2;
    if (!theirs || id <= this.newestTheirs) return false;
    this.newestTheirs = id;
    const stream = this.newStream(id, label);
    if (this.openTheirs() > MAX_STREAMS) this.refuse(stream);
    else this.events.stream(stream);
    return true;
  }

  private newStream(id: number, label: string): ByteStream {
    const stream = new ByteStream(id, label, () => this.forget(stream));
    this.streams.set(id, stream);
    return stream;
  }

  private openTheirs(): number {
    return [...this.streams.keys()].filter((id) => id % 2 !== this.nextStream % 2).length;
  }

  private refuse(stream: ByteStream): void {
    stream.reset("writer", "too many streams are open");
    stream.reset("reader", "too many streams are open");
    this.touched(stream);
  }

  private applyStream(frame: Extract<Numbered, { kind: "bytes" | "end" | "reset" }>): boolean {
    const stream = this.streams.get(frame.stream);
    // Unknown: over here already, or never begun by either side; the latter gains the sender nothing.
    if (!stream) return true;
    let kept = true;
    if (frame.kind === "bytes") kept = stream.take(frame.bytes);
    else if (frame.kind === "end") stream.takeEnd();
    else stream.takeReset(frame.side, frame.text);
    this.forget(stream);
    return kept;
  }

  private applyCredit(stream: number, limit: number): boolean {
    if (stream === 0) this.outbox.grant(limit);
    else this.streams.get(stream)?.write.grant(limit);
    this.sender.wake();
    return true;
  }

  private offerCredit(): void {
    const limit = this.inbox.credit();
    if (limit !== undefined) this.enqueue({ kind: "credit", stream: 0, limit });
  }

  private offerStreamCredit(stream: ByteStream): void {
    const limit = stream.read.credit();
    if (limit !== undefined) this.enqueue({ kind: "credit", stream: stream.id, limit });
  }

  private forget(stream: ByteStream): void {
    if (stream.over) this.streams.delete(stream.id);
  }

  private enqueue(frame: Unnumbered, arrived?: () => void): void {
    this.control.push({ frame, arrived });
    this.sender.wake();
  }

  /** Control first, then messages and streams in turn, so that none starves another. */
  private nextFrame(): { frame: Unnumbered; arrived?: () => void } | undefined {
    // A close waits for what was posted before it.
    const first = this.control[0];
    if (first && first.frame.kind !== "close") return this.control.shift();
    return this.nextBulk() ?? (this.drained ? this.control.shift() : undefined);
  }

  private nextBulk(): { frame: Unnumbered; arrived?: () => void } | undefined {
    const sources: Source[] = [this.outbox, ...this.streams.values()];
    for (let i = 0; i < sources.length; i++) {
      const source = sources[(this.turn + i) % sources.length]!;
      const next = source.next();
      if (next) {
        this.turn = (this.turn + i + 1) % sources.length;
        return next;
      }
    }
    return undefined;
  }

  private get drained(): boolean {
    return this.outbox.undelivered.every((message) => message.status !== "queued") &&
      [...this.streams.values()].every((stream) => stream.write.queued === 0);
  }
}

function concat(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
