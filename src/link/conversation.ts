/**
 * A conversation between two processes: everything between "send this" and "the
 * other side has it", whatever carries the packets and however often the path
 * breaks. It knows neither keys nor sockets nor clocks: plaintext and time come in
 * by {@link Conversation.receive} and {@link Conversation.transmit}, so a simulator
 * can drive it. What it finds out it tells its {@link ConversationEvents}.
 *
 * @module
 */
import type { ByteStream } from "./byte_stream.ts";
import { Fifo } from "./fifo.ts";
import {
  ASK,
  type Challenge,
  decodeFrames,
  encodeProbe,
  type LinkFrame,
  type Numbered,
  type Unnumbered,
} from "./frames.ts";
import { MAX_ANSWERS, MAX_LABEL, MAX_REFUSALS, MAX_SIGNAL } from "./limits.ts";
import { Inbox, type Incoming, Outbox } from "./mailbox.ts";
import type { Outgoing } from "./outgoing.ts";
import { Receiver } from "./receiver.ts";
import { type Fresh, Sender } from "./sender.ts";
import { Streams } from "./streams.ts";
import { clip } from "./text.ts";
import { Track } from "./track.ts";

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
  /** Words of the other side about an attempt. */
  signal(attempt: Uint8Array, words: Uint8Array): void;
  probeAnswered(nonce: number): void;
  /** Not about the conversation, but about what brought it. */
  aboutPath(frame: Challenge): void;
  /** The other side closed; nothing follows. */
  closed(reason: number, text: string): void;
}

export class Conversation {
  readonly sender: Sender;
  /** What the relay carries of it: the path it begins on. */
  readonly relayed: Track = new Track();
  readonly outbox: Outbox;
  readonly #receiver = new Receiver();
  readonly #inbox = new Inbox();
  readonly #streams: Streams;
  readonly #control = new Fifo<Fresh>();
  /** The close, behind everything else. */
  #goodbye: Fresh | undefined;
  /** The goodbye leaves in this packet, and with it what arrived: a slower path may not tell in time. */
  #parting = false;
  /** Frames that are not numbered. */
  #probes: Uint8Array[] = [];
  #answers: Uint8Array[] = [];
  readonly #events: ConversationEvents;
  /** The other side closed, or this one was told to stop: what still arrives is nobody's. */
  #over = false;
  /** Numbered frames that came, counted as often as they did. */
  arrivals = 0;

  constructor(side: "odd" | "even", events: ConversationEvents) {
    this.#events = events;
    this.outbox = new Outbox(events);
    this.#streams = new Streams(side, this.outbox);
    this.sender = new Sender({ next: () => this.#nextFrame() }, this.relayed);
  }

  // What the application wants.

  /** A message that was given up in the meantime is not sent (again). */
  post(message: Outgoing): void {
    if (message.settled) return;
    this.outbox.add(message);
    this.sender.wake();
  }

  /**
   * Takes a message back that its sender gave up. False when some of it has left: that may
   * have to leave again, from a copy, since the bytes are the application's again.
   */
  withdraw(message: Outgoing): boolean {
    if (this.outbox.withdraw(message)) return true;
    this.sender.copy(message.data);
    message.copy();
    return false;
  }

  /** The application took a message of that many bytes from its queue. */
  consumed(size: number): void {
    this.#inbox.read(size);
    this.#offerCredit();
  }

  acknowledgeProcessed(id: Uint8Array): void {
    this.#enqueue({ kind: "processed", id });
  }

  /** @throws {RangeError} when {@link MAX_STREAMS} are open or the label is too long. */
  openStream(label: string): ByteStream {
    if (clip(label, MAX_LABEL) !== label) {
      throw new RangeError(
        `a label is at most ${MAX_LABEL} bytes of well-formed text: send the rest through the stream`,
      );
    }
    const stream = this.#streams.begin(label);
    this.#enqueue({ kind: "open", stream: stream.id, label });
    return stream;
  }

  /** The stream has more to send, or its reader read. */
  touched(stream: ByteStream): void {
    const limit = stream.read.credit();
    if (limit !== undefined) this.#enqueue({ kind: "credit", stream: stream.id, limit });
    this.sender.wake();
    this.#streams.forget(stream);
  }

  /** Goes before all messages, by whatever path. @throws {RangeError} for more than `MAX_SIGNAL` bytes. */
  signal(attempt: Uint8Array, words: Uint8Array): void {
    if (words.length > MAX_SIGNAL) {
      throw new RangeError(`words about an attempt have at most ${MAX_SIGNAL} bytes`);
    }
    this.#enqueue({ kind: "signal", attempt, bytes: words });
  }

  probe(nonce: number): void {
    this.#probes.push(encodeProbe("probe", nonce));
    if (this.#probes.length > MAX_ANSWERS) this.#probes.shift();
  }

  /** Says goodbye behind everything posted so far; `arrived` is called when the other side knows. */
  close(reason: number, text: string, arrived: () => void): void {
    this.#goodbye = { frame: { kind: "close", reason, text: clip(text, MAX_LABEL) }, arrived };
    this.sender.wake();
  }

  /** Whatever arrives from now on is dropped. */
  stop(): void {
    this.#over = true;
  }

  /** Nothing waits to be sent or acknowledged, here or in a stream. */
  get settled(): boolean {
    return this.outbox.empty && !this.sender.outstanding && this.#control.length === 0 && !this.#streams.busy;
  }

  get openStreams(): ByteStream[] {
    return this.#streams.open;
  }

  // What arrives and what leaves.

  /** Takes in the plaintext of a packet that a path brought. False: the other side broke the protocol. */
  receive(plaintext: Uint8Array, now: number, by: Track = this.relayed): boolean {
    if (this.#over) return true;
    const frames = decodeFrames(plaintext);
    return frames !== undefined && frames.every((frame) => this.#take(frame, now, by));
  }

  /** The other side sent something again: it may not have got what was last said here. */
  takeRepeated(): boolean {
    const { repeated } = this.#receiver;
    this.#receiver.repeated = false;
    return repeated;
  }

  /**
   * The plaintext of the next packet in pieces, at most about `room` bytes, or `undefined` when nothing is
   * to be sent. Some are the application's own bytes: seal them at once. `doubled`: it leaves by two paths.
   */
  transmit(now: number, room: number, doubled: boolean = false): Uint8Array[] | undefined {
    const parts = this.#loose(now);
    const used = parts.reduce((sum, part) => sum + part.length, 0);
    const sent = this.sender.ready && this.sender.transmit(parts, room - used, now, doubled) > 0;
    if (sent && !this.sender.ready) parts.push(ASK);
    if (this.#parting) parts.unshift(this.#receiver.lastWord());
    this.#parting = false;
    return parts.length > 0 ? parts : undefined;
  }

  /** As {@link transmit}, but nothing that is numbered: acknowledgements go back by the path they are about. */
  transmitLoose(now: number): Uint8Array[] | undefined {
    const parts = this.#loose(now);
    return parts.length > 0 ? parts : undefined;
  }

  #loose(now: number): Uint8Array[] {
    const parts = [...this.#probes, ...this.#answers];
    if (parts.length > 0) this.#probes = this.#answers = [];
    const ack = this.#receiver.acknowledgement(now);
    if (ack) parts.push(ack);
    return parts;
  }

  /** When {@link transmit} should be asked next although nothing happened. */
  get deadline(): number {
    return Math.min(this.sender.deadline, this.#receiver.deadline);
  }

  /** Called at the {@link deadline}: what waited too long is sent again by the next `transmit`. */
  expire(now: number): void {
    this.sender.expire(now);
  }

  /** The other side should hear what has arrived, news or not. */
  demandAck(now: number): void {
    this.#receiver.demand(now);
  }

  /** From now on packets leave by another path; see {@link Sender.moveTo}. */
  moveTo(track: Track, now: number, abrupt: boolean): void {
    this.sender.moveTo(track, now, abrupt);
    this.#receiver.demand(now); // acknowledgements may have gone down with the former
  }

  /** A path is there (again): what was under way is sent again, and the other side hears what we have. */
  resume(now: number): void {
    this.sender.resend();
    this.#receiver.demand(now);
  }

  #take(frame: LinkFrame, now: number, by: Track): boolean {
    switch (frame.kind) {
      case "ack":
        return this.sender.acknowledge(frame.next, frame.ranges, now, by);
      case "probe":
        // What is asked more often than it can be answered is not answered: it may be lost, too.
        if (this.#answers.length < MAX_ANSWERS) this.#answers.push(encodeProbe("probe-ack", frame.nonce));
        return true;
      case "ask":
        this.#receiver.demand(now);
        return true;
      case "probe-ack":
        this.#events.probeAnswered(frame.nonce);
        return true;
      case "challenge":
      case "challenge-ack":
        this.#events.aboutPath(frame);
        return true;
      default:
        this.arrivals++;
        return this.#receiver.accept(frame, "bytes" in frame ? frame.bytes.length : 0, now)
          .every((ready) => this.#over || this.#apply(ready));
    }
  }

  #apply(frame: Numbered): boolean {
    switch (frame.kind) {
      case "message":
      case "more":
        return this.#applyMessage(this.#inbox.take(frame));
      case "processed":
        this.#events.processed(frame.id);
        return true;
      case "open":
        return this.#applyOpen(frame.stream, frame.label);
      case "credit":
        return this.#applyCredit(frame.stream, frame.limit);
      case "bytes":
      case "end":
      case "reset":
        return this.#streams.take(frame);
      case "close":
        this.#over = true;
        this.#events.closed(frame.reason, frame.text);
        return true;
      case "signal":
        this.#events.signal(frame.attempt, frame.bytes);
        return true;
      case "strange":
        return true;
    }
  }

  #applyMessage(taken: Incoming | undefined | "violation"): boolean {
    if (taken === "violation") return false;
    this.#offerCredit();
    if (taken) this.#events.message(taken);
    return true;
  }

  #applyOpen(id: number, label: string): boolean {
    const stream = this.#streams.answer(id, label);
    if (stream === "violation") return false;
    if (stream === "full") return this.#refuse(id);
    this.#events.stream(stream);
    return true;
  }

  /** Nothing is kept of a refused stream: what still comes for it is ignored. */
  #refuse(stream: number): boolean {
    const text = "too many streams are open";
    this.#enqueue({ kind: "reset", stream, side: "writer", text });
    this.#enqueue({ kind: "reset", stream, side: "reader", text });
    return this.#control.length <= MAX_REFUSALS;
  }

  #applyCredit(stream: number, limit: number): boolean {
    if (stream === 0) this.outbox.grant(limit);
    else this.#streams.grant(stream, limit);
    this.sender.wake();
    return true;
  }

  #offerCredit(): void {
    const limit = this.#inbox.credit();
    if (limit !== undefined) this.#enqueue({ kind: "credit", stream: 0, limit });
  }

  #enqueue(frame: Unnumbered): void {
    this.#control.push({ frame });
    this.sender.wake();
  }

  /** Control first, then messages and streams in turn; the close when nothing else is left. */
  #nextFrame(): Fresh | undefined {
    return this.#control.shift() ?? this.#streams.next() ?? this.#nextGoodbye();
  }

  #nextGoodbye(): Fresh | undefined {
    if (!this.outbox.drained || this.#streams.unsent) return undefined;
    const goodbye = this.#goodbye;
    this.#goodbye = undefined;
    this.#parting ||= goodbye !== undefined;
    return goodbye;
  }
}
