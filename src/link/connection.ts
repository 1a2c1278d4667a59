/**
 * A connection to one peer: the keys, the conversation they protect, and the
 * handshakes that make new keys. Still without sockets and clocks: packets and time
 * come in, packets come out, and what happened goes to {@link ConnectionEvents}.
 *
 * @module
 */
import { type Key, Reason } from "../wire/protocol.ts";
import { Agreement } from "./agreement.ts";
import type { Candidate, ConnectionEnd, ConnectionEvents, Standing } from "./connection_events.ts";
import { Conversation } from "./conversation.ts";
import type { Greeting, Local, OpenedInit, Remote } from "./greeting.ts";
import { type Core, Handshakes } from "./handshakes.ts";
import { CLOSE_PATIENCE, HANDSHAKE_RETRY, MAX_PACKET, PROBES_IN_VAIN } from "./limits.ts";
import type { RefusedPacket, ResponsePacket, TransportPacket } from "./packet.ts";
import { Presence } from "./presence.ts";
import type { Track } from "./track.ts";
import { type Beside, Ways } from "./ways.ts";

export type { Candidate, ConnectionEnd, ConnectionEvents, Standing } from "./connection_events.ts";

/** What became of a transport packet. */
export type Taken = "taken" | "refused" | "unknown";

export class Connection {
  readonly remote: Key;
  standing: Standing = "hailing";
  conversation: Conversation;
  /** Whether the other side greeted, so that this one had the keys first: half a round trip earlier. */
  answered = false;
  /** The connection does not give up before this time: somebody wants to wait that long for the peer. */
  patientUntil: number = -Infinity;
  readonly #events: ConnectionEvents;
  readonly #presence: Presence;
  readonly #agreement: Agreement;
  readonly #handshakes: Handshakes;
  #goodbye: { reason: number; text: string; until: number } | undefined;
  readonly #ways = new Ways();
  #lookUpAt = -Infinity;

  constructor(local: Local, remote: Key, events: ConnectionEvents, now: number) {
    this.remote = remote;
    this.#events = events;
    this.#presence = new Presence(now);
    this.#agreement = new Agreement(local, remote);
    this.conversation = this.#newConversation();
    this.#handshakes = new Handshakes(this.#agreement, this.#core());
  }

  #core(): Core {
    const standing = () => this.standing;
    const conversation = () => this.conversation;
    return {
      get standing() {
        return standing();
      },
      get conversation() {
        return conversation();
      },
      goesOnSince: (time) => this.#carrying && this.#presence.heardSince(time),
      open: (now, answering) => this.#open(now, answering),
      receive: (frames, now) => this.#receive(frames, now),
      end: (end) => this.end(end),
      askForRecord: (now) => this.#askForRecord(now),
    };
  }

  /** Whether what is sent now is believed to arrive: keys, a path, and a peer that answers. */
  get connected(): boolean {
    return this.standing === "open" && this.#reachable && !this.#presence.silent;
  }

  /** Whether a greeting is under way to a peer that was there a moment ago. */
  get hopeful(): boolean {
    return this.standing === "hailing" && this.#agreement.record !== undefined && this.#ways.greetable;
  }

  /** Whether an answer is overdue, here or, as far as can be seen, there: the way may be broken. */
  takeOverdue(): boolean {
    const missed = this.conversation.takeRepeated();
    return missed || this.conversation.sender.unanswered > 0 || this.#agreement.attempt?.repeated === true;
  }

  get instance(): Uint8Array | undefined {
    return this.#agreement.record?.instance;
  }

  get #reachable(): boolean {
    return this.#ways.reachable;
  }

  /** Whether the conversation can be carried. */
  get #carrying(): boolean {
    return this.#reachable && this.agreed;
  }

  // Greeting and being greeted.

  /**
   * Whether a verified record is of a process before the one that is known. A node may play back what an earlier
   * process signed: that must not end what the present one has.
   */
  isPast(record: Remote): boolean {
    return this.#agreement.isPast(record);
  }

  /** Greets the process that a verified record describes: the first time, after its restart, or for new keys. */
  hail(record: Remote, now: number): void {
    const agreement = this.#agreement;
    if (this.#isClosed || this.isPast(record)) return;
    if (!agreement.isSameProcess(record)) this.#restart();
    agreement.record = record;
    this.foundAgain(now);
    if (!agreement.attempt?.patient(now)) this.#handshakes.begin(now);
  }

  /** A new connection goes on where a candidate began: in place of the superseded one, or of the former process. */
  succeed(candidate: Candidate, now: number): void {
    this.#agreement.follow(candidate);
    this.#open(now, true);
    this.#receive(candidate.greeting.frames, now);
  }

  /** A greeting from the other side, verified and fresh. Returns the response packet, if there is one. */
  greeted(greeting: Greeting, init: OpenedInit, now: number): Uint8Array | undefined {
    return this.#isClosed ? undefined : this.#handshakes.greeted(greeting, init, now);
  }

  /** Returns the time the responder stamped, when the packet answered this side's attempt. */
  takeResponse(packet: ResponsePacket, now: number): number | undefined {
    return this.#handshakes.takeResponse(packet, now);
  }

  // Under way.

  /** A sealed packet; `beside`: what another path than the relay brought. `"unknown"`: no such keys here, which the sender may be told. */
  takeTransport(packet: TransportPacket, now: number, beside?: Track): Taken {
    if (this.#isClosed) return "unknown";
    const opened = this.#agreement.keyring.open(packet, now);
    if (opened.kind === "unknown") return this.#takeFromCandidate(packet, now);
    if (opened.kind === "refused") return "refused";
    this.#hear(now, beside === undefined);
    this.#receive(opened.plaintext, now, beside);
    return "taken";
  }

  #takeFromCandidate(packet: TransportPacket, now: number): Taken {
    const candidate = this.#agreement.proveCandidate(packet, now);
    if (candidate === "refused" || candidate === "unknown") return candidate;
    if (this.#agreement.isSameProcess(candidate.greeting.record)) this.#events.superseded(candidate);
    else {
      this.#restart();
      if (!this.#isClosed) this.succeed(candidate, now);
    }
    return "taken";
  }

  /** Hints that anybody could have written: they make us look, nothing more. */
  takeUnknown(now: number): void {
    if (this.standing !== "hailing") this.#askForRecord(now);
  }

  takeRefused(packet: RefusedPacket, now: number): void {
    if (this.#agreement.attempt?.concerns(packet)) this.#askForRecord(now);
  }

  #askForRecord(now: number): void {
    if (this.#isClosed || now - this.#lookUpAt < HANDSHAKE_RETRY) return;
    this.#lookUpAt = now;
    this.#events.lookUp();
  }

  /** Whether packets can leave at all: this side's node session is there, or not. */
  setPath(up: boolean, now: number): void {
    const ways = this.#ways;
    if (ways.relay === up) return;
    ways.relay = up;
    if (up) this.#goOn(now);
    else if (!this.#reachable) this.conversation.sender.pause();
    this.#events.presence();
  }

  /** What paths beside the relay can carry changed. */
  setBeside(beside: Beside, now: number): void {
    const ways = this.#ways;
    const before = this.#reachable;
    ways.beside = beside;
    if (this.#reachable === before) return this.#agreement.hurry(now);
    if (before) this.conversation.sender.pause();
    else this.#resume(now);
    this.#events.presence();
  }

  get isAway(): boolean {
    return this.#ways.away;
  }

  /** A node says the peer has no session: a hint that ends nothing. */
  setAway(away: boolean): void {
    if (this.#ways.away === away) return;
    this.#ways.away = away;
    this.#events.presence();
  }

  /** Looked up and found to be the same process as before: go on where it stopped. */
  foundAgain(now: number): void {
    if (!this.#ways.away) return;
    this.setAway(false);
    this.#goOn(now);
  }

  /** By the relay: where another path carries everything, nothing was interrupted. */
  #goOn(now: number): void {
    if (this.#ways.beside !== "all") this.#resume(now);
  }

  #resume(now: number): void {
    this.#presence.restart(now);
    this.conversation.resume(now);
    this.#agreement.hurry(now);
  }

  /** The next packet to send, or `undefined`. */
  transmit(now: number): Uint8Array | undefined {
    return this.transmitGreeting(now) ?? this.transmitSealed(now, MAX_PACKET);
  }

  /** The next packet of a handshake, or `undefined`. */
  transmitGreeting(now: number): Uint8Array | undefined {
    if (!this.#ways.greetable || this.#isClosed) return undefined;
    return this.#handshakes.transmit(now);
  }

  /** The next packet of the conversation, with a plaintext of about `room` bytes at most. `passing`: {@link Epoch.sealPassing}. */
  transmitSealed(now: number, room: number, passing: boolean = false): Uint8Array | undefined {
    const plaintext = this.#carrying ? this.conversation.transmit(now, room) : undefined;
    const { sending } = this.#agreement.keyring;
    return plaintext && (passing ? sending!.sealPassing(...plaintext) : sending!.seal(...plaintext));
  }

  /** As {@link transmitSealed}, twice: each copy that arrives is acknowledged, by the path that brought it. */
  transmitDoubled(now: number, room: number): [Uint8Array, Uint8Array] | undefined {
    const { conversation } = this;
    if (!this.#carrying) return undefined;
    const plaintext = conversation.transmit(now, room, true);
    const { sending } = this.#agreement.keyring;
    return plaintext && [sending!.seal(...plaintext), sending!.seal(...plaintext)];
  }

  /** A packet of acknowledgements and answers alone, for the path they are about. */
  transmitLoose(now: number): Uint8Array | undefined {
    const plaintext = this.#carrying ? this.conversation.transmitLoose(now) : undefined;
    return plaintext && this.#agreement.keyring.sending!.seal(...plaintext);
  }

  /** Whether keys are agreed. */
  get agreed(): boolean {
    const standing = this.standing === "open" || this.standing === "closing";
    return standing && this.#agreement.keyring.sending !== undefined;
  }

  /** A packet with frames beside the conversation. */
  seal(...plaintext: Uint8Array[]): Uint8Array | undefined {
    return this.agreed ? this.#agreement.keyring.sending!.seal(...plaintext) : undefined;
  }

  /** When {@link expire} wants to be called although nothing happened. */
  get deadline(): number {
    if (this.#isClosed) return Infinity;
    const attempt = this.#ways.greetable ? this.#agreement.attempt?.again ?? Infinity : Infinity;
    const idle = this.standing === "open" && this.#reachable ? this.#presence.askAt : Infinity;
    const carried = this.#carrying ? this.conversation.deadline : Infinity;
    return Math.min(attempt, idle, carried, this.#goodbye?.until ?? Infinity, this.#giveUpAt);
  }

  /** Silence counts against the other side only while this side could have heard it. */
  get #giveUpAt(): number {
    return this.#ways.listening ? Math.max(this.#presence.giveUpAt, this.patientUntil) : Infinity;
  }

  /** Called at the deadline; afterwards `transmit` may have something. */
  expire(now: number): void {
    if (this.#isClosed) return;
    if (this.#goodbye && now >= this.#goodbye.until) {
      const text = "closed before all was acknowledged";
      return this.end({ reason: Reason.linkClosed, text, by: "local" });
    }
    if (now >= this.#giveUpAt) {
      return this.end({ reason: Reason.linkTimeout, text: "no sign of the other side", by: "timeout" });
    }
    if (this.#carrying) this.#expireConversation(now);
    if (this.standing === "open" && this.#reachable && now >= this.#presence.askAt) {
      this.#askWhetherThere(now);
    }
    this.#agreement.keyring.sweep(now);
  }

  #expireConversation(now: number): void {
    const { sender } = this.conversation;
    const before = sender.unanswered;
    this.conversation.expire(now);
    if (sender.unanswered > before && sender.unanswered >= PROBES_IN_VAIN) this.#doubt(now);
  }

  #askWhetherThere(now: number): void {
    if (this.#presence.ask(now)) this.#doubt(now);
    this.conversation.probe(0);
  }

  /** What another path brought says nothing about whether nodes know the peer. */
  #hear(now: number, relayed: boolean = true): void {
    if (this.#presence.hear(now)) this.#events.presence();
    if (relayed) this.foundAgain(now);
  }

  /** Questions stayed unanswered: not connected, until something is heard. */
  #doubt(now: number): void {
    if (this.#presence.doubt()) this.#events.presence();
    this.#askForRecord(now);
  }

  // Ending.

  get #isClosed(): boolean {
    return this.standing === "closed";
  }

  /** Says goodbye behind what was posted; ends when the other side knows, or after {@link CLOSE_PATIENCE}. */
  close(reason: number, text: string, now: number): void {
    if (this.#isClosed || this.#goodbye) return;
    this.#goodbye = { reason, text, until: now + CLOSE_PATIENCE };
    if (this.standing === "open") this.standing = "closing";
    this.#sayGoodbye();
  }

  /** To a process that was never met there is nothing to say unless something waits for it. */
  #sayGoodbye(): void {
    if (!this.#goodbye) return;
    const { reason, text } = this.#goodbye;
    const end = () => this.end({ reason, text, by: "local" });
    if (this.standing === "hailing" && this.conversation.settled) end();
    else this.conversation.close(reason, text, end);
  }

  /** Ends at once and without a word. */
  end(end: ConnectionEnd): void {
    if (this.#isClosed) return;
    this.standing = "closed";
    this.conversation.stop();
    this.#agreement.dropAttempt();
    this.#events.ended(end);
  }

  /** Erases the keys; call it after a last {@link farewell}. */
  forget(): void {
    this.#agreement.forget();
  }

  /** The acknowledgement of the other side's close, after which nothing follows. */
  farewell(now: number): Uint8Array | undefined {
    const epoch = this.#agreement.keyring.sending;
    this.conversation.demandAck(now);
    const plaintext = epoch && this.conversation.transmit(now, MAX_PACKET);
    return plaintext && epoch.seal(...plaintext);
  }

  #open(now: number, answering: boolean): void {
    this.#hear(now);
    if (this.standing !== "hailing") return;
    this.answered = answering;
    this.standing = this.#goodbye ? "closing" : "open";
    this.#events.established();
  }

  #receive(plaintext: Uint8Array, now: number, beside?: Track): void {
    if (this.#isClosed || this.conversation.receive(plaintext, now, beside)) return;
    this.end({ reason: Reason.linkProtocolError, text: "the other side broke the protocol", by: "local" });
  }

  #restart(): void {
    const before = this.conversation;
    before.stop();
    this.#agreement.restart();
    this.conversation = this.#newConversation();
    for (const message of before.outbox.undelivered) this.conversation.post(message);
    for (const stream of before.openStreams) {
      stream.takeReset("writer", "the other process restarted");
      stream.takeReset("reader", "the other process restarted");
    }
    this.standing = "hailing";
    this.#sayGoodbye();
    if (!this.#isClosed) this.#events.restarted();
  }

  #newConversation(): Conversation {
    const closed = (reason: number, text: string) => this.end({ reason, text, by: "remote" });
    return new Conversation(this.#agreement.wins ? "odd" : "even", { ...this.#events, closed });
  }
}
