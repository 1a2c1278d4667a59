/**
 * A connection to one peer: the keys, the conversation they protect, and the
 * handshakes that make new keys. Still without sockets and clocks: packets and time
 * come in, packets come out, and what happened goes to {@link ConnectionEvents}.
 *
 *     hailing ──response, or the other side's own hail──▶ open ──▶ closing ──▶ closed
 *
 * @module
 */
import { compareBytes } from "../wire/cbor.ts";
import { type Key, type PeerRecord, Reason } from "../wire/protocol.ts";
import { type Incoming } from "./mailbox.ts";
import { Conversation } from "./conversation.ts";
import { Epoch } from "./epoch.ts";
import { type Attempt, greet, type Greeting, type Local, type OpenedInit, readAnswer } from "./greeting.ts";
import { Keyring } from "./keyring.ts";
import {
  CLOSE_PATIENCE,
  HANDSHAKE_RETRY,
  IDLE_PATIENCE,
  IDLE_PROBE,
  LINK_TIMEOUT,
  MAX_FIRST,
  MAX_PACKET,
} from "./limits.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Outgoing } from "./outgoing.ts";
import type { RefusedPacket, ResponsePacket, TransportPacket } from "./packet.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  /** A {@link Reason} of a link. */
  reason: number;
  text: string;
  by: "local" | "remote" | "timeout";
}

export interface ConnectionEvents {
  message(message: Incoming): void;
  stream(stream: ByteStream): void;
  departed(message: Outgoing): void;
  delivered(message: Outgoing): void;
  processed(id: Uint8Array): void;
  probeAnswered(nonce: number): void;
  /** The other process proved that it is there; from now on the connection may call itself connected. */
  established(): void;
  /** A new process answers for the peer: what was undelivered goes to it, streams are broken. */
  restarted(): void;
  /** Whether the other side answers changed. */
  presence(): void;
  /** The record may be stale: look the peer up, then call {@link Connection.hail}. */
  lookUp(): void;
  /** The peer began another conversation and proved it: this connection is over, that one follows. */
  superseded(successor: Candidate): void;
  /** Once, last. Undelivered messages are in `conversation.outbox.undelivered`. */
  ended(end: ConnectionEnd): void;
}

/** A conversation the other side began while one was open; it waits for its first packet. */
export interface Candidate {
  greeting: Greeting;
  keyring: Keyring;
}

export type Standing = "hailing" | "open" | "closing" | "closed";

export class Connection {
  readonly remote: Key;
  standing: Standing = "hailing";
  conversation: Conversation;
  private readonly local: Local;
  private readonly events: ConnectionEvents;
  private conversationId: Uint8Array;
  private record: PeerRecord | undefined;
  private keyring: Keyring;
  private attempt: (Attempt & { again: number; tries: number }) | undefined;
  private candidate: Candidate | undefined;
  private pathUp = false;
  /** Monotonic milliseconds at which the other process last proved to be there. */
  private heard: number;
  private idleProbe: number | undefined;
  private silent = false;
  private away = false;
  private closeBy = Infinity;
  private lookUpAt = -Infinity;
  /** The connection does not give up before this time: somebody wants to wait that long for the peer. */
  patientUntil: number = -Infinity;

  constructor(local: Local, remote: Key, events: ConnectionEvents, now: number) {
    this.local = local;
    this.remote = remote;
    this.events = events;
    this.heard = now;
    this.conversationId = local.random(16);
    this.conversation = this.newConversation();
    this.keyring = this.newKeyring();
  }

  /** Whether what is sent now is believed to arrive: keys, a path, and a peer that answers. */
  get connected(): boolean {
    return this.standing === "open" && this.pathUp && !this.away && !this.silent;
  }

  /** Whether a greeting is under way to a peer that was there a moment ago. */
  get hopeful(): boolean {
    return this.standing === "hailing" && this.record !== undefined && this.pathUp && !this.away;
  }

  get instance(): Uint8Array | undefined {
    return this.record?.instance;
  }

  /** The smaller key wins when both hail at once. */
  private get wins(): boolean {
    return compareBytes(this.local.key, this.remote) < 0;
  }

  // Beginning.

  /** Greets the process that a verified record describes: the first time, after its restart, or for new keys. */
  hail(record: PeerRecord, now: number): void {
    if (this.standing === "closed") return;
    const known = this.record;
    if (known && compareBytes(known.instance, record.instance) !== 0) this.restart(this.local.random(16));
    this.record = record;
    this.setAway(false);
    if (this.standing === "hailing") this.conversation.sender.resend();
    this.makeAttempt(now);
  }

  private makeAttempt(now: number): void {
    const continues = this.standing !== "hailing";
    const frames = continues ? undefined : this.conversation.transmit(now, MAX_FIRST);
    const words = { conversation: this.conversationId, continues, frames: frames ?? new Uint8Array() };
    const attempt = greet(this.local, this.record!, words);
    this.attempt?.initiation.forget();
    this.attempt = attempt && { ...attempt, again: now, tries: 0 };
  }

  /** The first greeting of a connection that the other side began. */
  static answered(
    local: Local,
    greeting: Greeting,
    init: OpenedInit,
    events: ConnectionEvents,
    now: number,
  ): { connection: Connection; packet: Uint8Array } {
    const connection = new Connection(local, greeting.record.peer, events, now);
    const packet = connection.adopt(greeting, init, now);
    return { connection, packet };
  }

  /** What followed a superseded connection. */
  static succeeding(local: Local, from: Candidate, events: ConnectionEvents, now: number): Connection {
    const connection = new Connection(local, from.greeting.record.peer, events, now);
    connection.take(from, now);
    return connection;
  }

  private take({ greeting, keyring }: Candidate, now: number): void {
    this.conversationId = greeting.conversation;
    this.record = greeting.record;
    this.keyring = keyring;
    this.open(now);
    this.receive(greeting.frames, now);
  }

  /**
   * A greeting from the other side, verified and fresh. Returns the response packet, or
   * `undefined` when this side's own attempt goes before.
   */
  greeted(greeting: Greeting, init: OpenedInit, now: number): Uint8Array | undefined {
    if (this.record && greeting.record.started < this.record.started) return undefined; // an older process
    if (this.attempt && this.wins && this.sameProcess(greeting)) return undefined;
    if (this.standing === "hailing" && !greeting.continues) return this.adopt(greeting, init, now);
    if (compareBytes(greeting.conversation, this.conversationId) === 0) return this.renew(greeting, init, now);
    if (greeting.continues) return this.decline(init, Reason.linkClosed, "no such conversation here");
    return this.consider(greeting, init, now);
  }

  /** Their conversation becomes ours: nothing of ours was taken in under another name. */
  private adopt(greeting: Greeting, init: OpenedInit, now: number): Uint8Array {
    this.dropAttempt();
    this.conversationId = greeting.conversation;
    this.record = greeting.record;
    this.conversation.sender.resend();
    this.open(now);
    this.receive(greeting.frames, now);
    return this.respond(this.keyring, init, now);
  }

  private renew(greeting: Greeting, init: OpenedInit, now: number): Uint8Array {
    this.dropAttempt();
    this.receive(greeting.frames, now);
    return this.respond(this.keyring, init, now);
  }

  /** A message 1 alone never destroys what is open: it waits for a packet under its keys. */
  private consider(greeting: Greeting, init: OpenedInit, now: number): Uint8Array {
    this.candidate?.keyring.forget();
    const keyring = this.newKeyring();
    this.candidate = { greeting, keyring };
    const { packet, keys } = init.answer({ time: this.local.stamp(), reason: 0, text: "", frames: new Uint8Array() });
    keyring.add(epochOf(packet, keys, false, now), now);
    return packet;
  }

  private respond(keyring: Keyring, init: OpenedInit, now: number): Uint8Array {
    const frames = this.conversation.transmit(now, MAX_FIRST) ?? new Uint8Array();
    const { packet, keys } = init.answer({ time: this.local.stamp(), reason: 0, text: "", frames });
    keyring.add(epochOf(packet, keys, false, now), now);
    return packet;
  }

  private decline(init: OpenedInit, reason: number, text: string): Uint8Array {
    return init.answer({ time: this.local.stamp(), reason, text, frames: new Uint8Array() }).packet;
  }

  /** Returns the time the responder stamped, when the packet answered this side's attempt. */
  takeResponse(packet: ResponsePacket, now: number): number | undefined {
    const attempt = this.attempt;
    if (!attempt || compareBytes(attempt.handshake, packet.handshake) !== 0) return undefined;
    const read = readAnswer(attempt, packet);
    if (!read) return undefined;
    this.attempt = undefined;
    const { answer, keys } = read;
    if (answer.reason !== Reason.none) this.end({ reason: answer.reason, text: answer.text, by: "remote" });
    else {
      this.keyring.add(new Epoch({ handshake: attempt.handshake, keys, initiated: true, createdAt: now }), now);
      this.open(now);
      this.receive(answer.frames, now);
      this.conversation.demandAck(now); // the first packet under the new keys proves us to the responder
    }
    return answer.time;
  }

  // Under way.

  /** A sealed packet. `"unknown"`: no such keys here, which the sender may be told. */
  takeTransport(packet: TransportPacket, now: number): "taken" | "refused" | "unknown" {
    const opened = this.keyring.open(packet, now);
    if (opened.kind === "opened") {
      this.hear(now);
      this.receive(opened.plaintext, now);
      return "taken";
    }
    if (opened.kind === "refused") return "refused";
    return this.takeFromCandidate(packet, now);
  }

  private takeFromCandidate(packet: TransportPacket, now: number): "taken" | "refused" | "unknown" {
    const candidate = this.candidate;
    const opened = candidate?.keyring.open(packet, now);
    if (!candidate || !opened || opened.kind === "unknown") return "unknown";
    if (opened.kind === "refused") return "refused";
    this.candidate = undefined;
    if (this.sameProcess(candidate.greeting)) {
      this.events.superseded({ ...candidate, greeting: withFrames(candidate.greeting, opened.plaintext) });
      return "taken";
    }
    this.restart(candidate.greeting.conversation);
    this.take(candidate, now);
    this.receive(opened.plaintext, now);
    return "taken";
  }

  private sameProcess({ record }: Greeting): boolean {
    return this.record === undefined || compareBytes(this.record.instance, record.instance) === 0;
  }

  /** Hints that anybody could have written: they make us look, nothing more. */
  takeUnknown(now: number): void {
    if (this.standing !== "hailing" && this.standing !== "closed") this.askForRecord(now);
  }

  takeRefused(packet: RefusedPacket, now: number): void {
    if (this.attempt && compareBytes(this.attempt.handshake, packet.handshake) === 0) this.askForRecord(now);
  }

  private askForRecord(now: number): void {
    if (now - this.lookUpAt < HANDSHAKE_RETRY) return;
    this.lookUpAt = now;
    this.events.lookUp();
  }

  /** Whether packets can leave at all: this side's node session is there, or not. */
  setPath(up: boolean, now: number): void {
    if (this.pathUp === up) return;
    this.pathUp = up;
    if (up) this.goOn(now);
    else this.conversation.sender.pause();
    this.events.presence();
  }

  /** A node says the peer has no session: a hint that ends nothing. */
  setAway(away: boolean): void {
    if (this.away === away) return;
    this.away = away;
    this.events.presence();
  }

  /** Looked up and found to be the same process as before: go on where it stopped. */
  foundAgain(now: number): void {
    if (!this.away) return;
    this.setAway(false);
    this.goOn(now);
  }

  private goOn(now: number): void {
    this.heard = now;
    this.idleProbe = undefined;
    this.conversation.resume(now);
    if (this.attempt) this.attempt.again = now;
  }

  /** The next packet to send, or `undefined`. */
  transmit(now: number): Uint8Array | undefined {
    if (!this.pathUp || this.away || this.standing === "closed") return undefined;
    return this.transmitAttempt(now) ?? this.transmitSealed(now);
  }

  private transmitAttempt(now: number): Uint8Array | undefined {
    const attempt = this.attempt;
    if (!attempt || now < attempt.again) return undefined;
    attempt.again = now + HANDSHAKE_RETRY;
    if (++attempt.tries % 4 === 0) this.askForRecord(now);
    return attempt.packet;
  }

  private transmitSealed(now: number): Uint8Array | undefined {
    const epoch = this.keyring.sending;
    if (!epoch || this.standing === "hailing") return undefined;
    const plaintext = this.conversation.transmit(now, MAX_PACKET);
    return plaintext && epoch.seal(plaintext);
  }

  /** When {@link expire} wants to be called although nothing happened. */
  get deadline(): number {
    if (this.standing === "closed") return Infinity;
    const attempt = this.attempt && this.pathUp && !this.away ? this.attempt.again : Infinity;
    const idle = this.standing === "open" && this.pathUp && !this.away ? this.idleDeadline : Infinity;
    const carried = this.pathUp && !this.away && this.standing !== "hailing" ? this.conversation.deadline : Infinity;
    return Math.min(attempt, idle, carried, this.closeBy, this.giveUpAt);
  }

  /** Silence counts against the other side only while this side could have heard it. */
  private get giveUpAt(): number {
    return this.pathUp ? Math.max(this.heard + LINK_TIMEOUT, this.patientUntil) : Infinity;
  }

  private get idleDeadline(): number {
    return this.idleProbe === undefined ? this.heard + IDLE_PROBE : this.idleProbe + IDLE_PATIENCE;
  }

  /** Called at the deadline; afterwards `transmit` may have something. */
  expire(now: number): void {
    if (this.standing === "closed") return;
    if (now >= this.closeBy) return this.end({ reason: Reason.linkClosed, text: "closed before all was acknowledged", by: "local" });
    if (now >= this.giveUpAt) {
      return this.end({ reason: Reason.linkTimeout, text: "no sign of the other side", by: "timeout" });
    }
    if (this.standing !== "hailing" && this.pathUp && !this.away) this.conversation.expire(now);
    if (this.standing === "open" && this.pathUp && !this.away && now >= this.idleDeadline) this.probeIdle(now);
    this.renewKeys(now);
  }

  private probeIdle(now: number): void {
    if (this.idleProbe !== undefined) this.setSilent(true);
    this.idleProbe = now;
    this.conversation.probe(0);
    if (this.silent) this.askForRecord(now);
  }

  /** The side whose hail would win renews, so that two renewals do not cross. */
  private renewKeys(now: number): void {
    this.keyring.sweep(now);
    if (this.standing === "open" && !this.attempt && this.keyring.needsRekey(now)) this.makeAttempt(now);
  }

  private hear(now: number): void {
    this.heard = now;
    this.idleProbe = undefined;
    this.setSilent(false);
    if (this.away) this.foundAgain(now);
  }

  private setSilent(silent: boolean): void {
    if (this.silent === silent) return;
    this.silent = silent;
    this.events.presence();
  }

  // Ending.

  /** Says goodbye behind what was posted; ends when the other side knows, or after {@link CLOSE_PATIENCE}. */
  close(reason: number, text: string, now: number): void {
    if (this.standing === "closed" || this.standing === "closing") return;
    if (this.standing === "hailing" && this.conversation.outbox.empty && this.conversation.settled) {
      return this.end({ reason, text, by: "local" });
    }
    if (this.standing === "open") this.standing = "closing";
    this.closeBy = now + CLOSE_PATIENCE;
    this.conversation.close(reason, text, () => this.end({ reason, text, by: "local" }));
  }

  /** Ends at once and without a word. */
  end(end: ConnectionEnd): void {
    if (this.standing === "closed") return;
    this.standing = "closed";
    this.dropAttempt();
    this.events.ended(end);
  }

  /** Erases the keys; call it after a last {@link farewell}. */
  forget(): void {
    this.keyring.forget();
    this.candidate?.keyring.forget();
  }

  /** The acknowledgement of the other side's close, after which nothing follows. */
  farewell(now: number): Uint8Array | undefined {
    const epoch = this.keyring.sending;
    this.conversation.demandAck(now);
    const plaintext = epoch && this.conversation.transmit(now, MAX_PACKET);
    return plaintext && epoch.seal(plaintext);
  }

  private open(now: number): void {
    this.hear(now);
    if (this.standing !== "hailing") return;
    this.standing = "open";
    this.events.established();
  }

  private receive(plaintext: Uint8Array, now: number): void {
    if (this.standing === "closed" || this.conversation.receive(plaintext, now)) return;
    this.end({ reason: Reason.linkProtocolError, text: "the other side broke the protocol", by: "local" });
  }

  private restart(conversation: Uint8Array): void {
    const before = this.conversation;
    this.keyring.forget();
    this.keyring = this.newKeyring();
    this.dropAttempt();
    this.conversationId = conversation;
    this.conversation = this.newConversation();
    for (const message of before.outbox.undelivered) this.conversation.post(message);
    for (const stream of before.openStreams) {
      stream.takeReset("writer", "the other process restarted");
      stream.takeReset("reader", "the other process restarted");
    }
    if (this.standing === "open") this.standing = "hailing";
    this.events.restarted();
  }

  private dropAttempt(): void {
    this.attempt?.initiation.forget();
    this.attempt = undefined;
  }

  private newKeyring(): Keyring {
    return new Keyring({ oursWin: this.wins });
  }

  private newConversation(): Conversation {
    const { message, stream, departed, delivered, processed, probeAnswered } = this.events;
    const closed = (reason: number, text: string) => this.end({ reason, text, by: "remote" });
    return new Conversation(this.wins ? "odd" : "even", { message, stream, departed, delivered, processed, probeAnswered, closed });
  }
}

function epochOf(packet: Uint8Array, keys: { send: Uint8Array; receive: Uint8Array; hash: Uint8Array }, initiated: boolean, now: number): Epoch {
  return new Epoch({ handshake: packet.subarray(1, 9), keys, initiated, createdAt: now });
}

function withFrames(greeting: Greeting, more: Uint8Array): Greeting {
  const frames = new Uint8Array(greeting.frames.length + more.length);
  frames.set(greeting.frames);
  frames.set(more, greeting.frames.length);
  return { ...greeting, frames };
}
