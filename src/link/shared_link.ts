/**
 * One connection with everything its handles share: the queue of messages, the fates of
 * posted ones, the packets' ways.
 *
 * @module
 */
import { hex } from "../identity/hex.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { compareBytes } from "../wire/cbor.ts";
import type { WaymeetError } from "../wire/error.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { Carriage } from "./carriage.ts";
import type { Carrier } from "./carrier.ts";
import type { Candidate, ConnectionEnd, ConnectionEvents } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { Greeting, OpenedInit, Remote } from "./greeting.ts";
import type { Incoming } from "./mailbox.ts";
import { linkError } from "./link_error.ts";
import { Message } from "./message.ts";
import type { Packet } from "./packet.ts";
import { Pings } from "./pings.ts";
import type { Plane } from "./planes.ts";
import type { Posted } from "./posted.ts";
import { type PostOptions, Posts } from "./posts.ts";
import { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { type Finding, Seeker } from "./seeker.ts";
import { type LinkStream, webStream } from "./stream.ts";

/** What carries a link's packets and answers its questions: the peer. */
export interface LinkOwner extends Carrier {
  /** Asks the nodes where a peer is; the record is verified. */
  find(key: Key): Promise<Finding>;
  /** Calls `seen` when a node tells that the peer came (back) or moved, until the function returned is called. */
  lookOut?(peer: PeerId, seen: () => void): () => void;
  /** The peer began a new conversation in place of this one. */
  superseded(link: SharedLink, successor: Candidate): void;
  ended(link: SharedLink): void;
  /** A message of the peer was said in a topic, by this proof that it knows the name. */
  said?(message: Message, tag: Uint8Array): void;
}

/** What the handles of a link are told. */
export interface LinkListener {
  presence(): void;
  /** Packets travel by another path, or for another reason. */
  path(): void;
  restarted(): void;
  ended(end: ConnectionEnd): void;
}

export class SharedLink {
  readonly peer: PeerId;
  readonly key: Key;
  readonly messages: Queue<Message> = new Queue();
  readonly streams: Queue<LinkStream> = new Queue();
  readonly listeners: Set<LinkListener> = new Set();
  readonly connection: Connection;
  /** How packets come and go. */
  readonly carriage: Carriage;
  end: ConnectionEnd | undefined;
  /** Resolves once the other process has proven to be there, rejects when the link ends before. */
  readonly opened: Promise<void>;
  #settleOpened!: { resolve(): void; reject(error: Error): void };
  readonly #carrier: LinkOwner;
  readonly #posts: Posts;
  readonly #pings: Pings;
  #doubted = false;
  /** This side has said, or will say, goodbye: nothing new is taken. */
  closing = false;
  /** The greeting leaves in a moment, so that what is sent at once travels in it. */
  #greeting: (() => void) | undefined;
  readonly #seeker: Seeker;

  constructor(carrier: LinkOwner, peer: PeerId, key: Key) {
    this.#carrier = carrier;
    this.peer = peer;
    this.key = key;
    this.#posts = new Posts(
      peer,
      carrier.clock,
      (message) => this.connection.conversation.withdraw(message),
    );
    this.#seeker = new Seeker(
      carrier.clock,
      () => carrier.find(key),
      (record) => this.found(record),
      (seen) => carrier.lookOut?.(peer, seen) ?? (() => {}),
    );
    this.#pings = new Pings(peer);
    this.opened = new Promise<void>((resolve, reject) => this.#settleOpened = { resolve, reject });
    this.opened.catch(() => {});
    this.connection = new Connection(carrier.local, key, this.#events(), carrier.clock.now());
    const changed = () => this.listeners.forEach((listener) => listener.path());
    this.carriage = new Carriage(carrier, peer, key, this.connection, changed);
  }

  get #now(): number {
    return this.#carrier.clock.now();
  }

  /** Whether a message sent now may be expected to arrive. */
  get reachable(): boolean {
    return this.connection.connected || this.connection.hopeful || this.#greeting !== undefined;
  }

  // Packets and paths, from the peer.

  /** A greeting that began, or renews, this link. Returns the response packet. */
  greeted(greeting: Greeting, init: OpenedInit): Uint8Array | undefined {
    const packet = this.connection.greeted(greeting, init, this.#now);
    this.#wake();
    return packet;
  }

  /** A link that follows one its peer replaced. */
  succeed(candidate: Candidate): void {
    this.connection.succeed(candidate, this.#now);
    this.#wake();
  }

  /** Returns the time the responder stamped, when a response was ours. */
  take(packet: Packet, from: Plane | Route): { stamp?: number; unknown?: boolean } {
    const result = this.#dispatch(packet, this.#now, from);
    this.#wake();
    return result;
  }

  #dispatch(packet: Packet, now: number, from: Plane | Route): { stamp?: number; unknown?: boolean } {
    switch (packet.kind) {
      case "transport":
        return { unknown: this.carriage.takeTransport(packet, from) === "unknown" };
      case "response": {
        const stamp = this.connection.takeResponse(packet, now);
        if (stamp !== undefined) this.carriage.heard(from);
        return { stamp };
      }
      case "unknown":
        this.#doubted = true;
        this.connection.takeUnknown(now);
        return {};
      case "refused":
        this.connection.takeRefused(packet, now);
        return {};
      case "init":
        return {};
    }
  }

  /** A node says that it does not know the peer; the one of the other plane may. */
  absentBy(plane: Plane): void {
    if (!this.carriage.refused(plane)) this.absent();
  }

  /** This side's node session came or went. */
  setPath(up: boolean): void {
    this.carriage.setRelay(up);
    if (up && this.connection.isAway) this.#seeker.now(); // it may have come back with us
  }

  /** The peer's node session was seen to end, or is not there. */
  absent(): void {
    this.connection.setAway(true);
    this.#seeker.begin();
    this.#wake();
  }

  /** First contact: greets at the end of this turn, so that messages posted till then go along. */
  greet(record: Remote): void {
    this.#greeting = this.#carrier.clock.after(0, () => {
      this.#greeting = undefined;
      this.found(record);
    });
  }

  /** The peer was looked up; the record is verified. False when it is of an earlier process than is known. */
  found(record: Remote): boolean {
    if (this.end || this.connection.isPast(record)) return false;
    this.#seeker.rest();
    const known = this.connection.instance;
    const same = known !== undefined && compareBytes(known, record.instance) === 0;
    if (!same || this.#doubted || this.connection.standing === "hailing") {
      this.connection.hail(record, this.#now);
    } else this.connection.foundAgain(this.#now);
    this.#doubted = false;
    this.#wake();
    return true;
  }

  // What the handles want.

  post(data: Uint8Array, options: PostOptions): Posted {
    const id = options.id ?? this.#carrier.local.random(16);
    const no = this.end ? this.error() : refusal(this, data, options);
    const posted = this.#posts.add(id, data, options, no);
    if (posted.status === "failed") return posted;
    const { connection } = this;
    if (options.deadline) {
      connection.patientUntil = Math.max(connection.patientUntil, this.#now + options.deadline);
    }
    connection.conversation.post(posted.outgoing);
    this.#wake();
    return posted;
  }

  openStream(label: string): LinkStream {
    if (this.end) throw this.error();
    const { conversation } = this.connection;
    const stream = conversation.openStream(label);
    this.#wake();
    return webStream(stream, () => this.#touched(conversation, stream), this.peer);
  }

  #touched(
    conversation: Connection["conversation"],
    stream: Parameters<Connection["conversation"]["touched"]>[0],
  ): void {
    conversation.touched(stream);
    this.#wake();
  }

  /** Milliseconds to the other process and back; rejects when the link ends or `signal` fires. */
  ping(signal?: AbortSignal): Promise<number> {
    if (this.end) return Promise.reject(this.error());
    const answer = this.#pings.ask(this.#now, (nonce) => this.connection.conversation.probe(nonce), signal);
    this.#wake();
    return answer;
  }

  close(text: string): void {
    this.closing = true;
    this.connection.close(Reason.linkClosed, text, this.#now);
    this.#wake();
  }

  /** Ends without a word to the other side. */
  abort(reason: number, text: string): void {
    this.connection.end({ reason, text, by: "local" });
  }

  /** The reason of the end, as an error. */
  error(): WaymeetError {
    return linkError(this.end, this.peer);
  }

  #wake(): void {
    this.carriage.wake();
  }

  #events(): ConnectionEvents {
    const { peer } = this;
    const tell = (what: "presence" | "restarted") => this.listeners.forEach((listener) => listener[what]());
    return {
      message: (message) => this.#arrive(message),
      stream: (stream) => {
        const { conversation } = this.connection;
        this.streams.push(webStream(stream, () => this.#touched(conversation, stream), peer));
      },
      departed: (outgoing) => this.#posts.departed(outgoing),
      delivered: (outgoing) => this.#posts.delivered(outgoing),
      processed: (id) => this.#posts.processed(hex(id)),
      signal: (attempt, words) => this.#carrier.signalled?.(this.carriage, attempt, words),
      aboutPath: (frame) => this.carriage.aboutPath(frame),
      probeAnswered: (nonce) => this.#pings.answered(nonce, this.#now),
      established: () => {
        this.#settleOpened.resolve();
        tell("presence");
        this.carriage.opened();
      },
      restarted: () => {
        this.carriage.reset("the other process restarted", false);
        this.#posts.restarted();
        tell("restarted");
      },
      presence: () => tell("presence"),
      lookUp: () => this.#seeker.now(),
      superseded: (successor) => this.#carrier.superseded(this, successor),
      ended: (end) => this.#finish(end),
    };
  }

  #arrive({ id, data, asks, tag }: Incoming): void {
    const { conversation } = this.connection;
    const processed = () => {
      if (!asks) return;
      conversation.acknowledgeProcessed(id);
      this.#wake();
    };
    const message = new Message(hex(id), this.peer, data, processed);
    const taken = () => {
      conversation.consumed(data.length);
      this.#wake();
    };
    if (!tag) return this.messages.push(message, taken);
    this.#carrier.said?.(message, tag);
    taken();
  }

  #finish(end: ConnectionEnd): void {
    this.end = end;
    const last = end.by === "remote" ? this.connection.farewell(this.#now) : undefined;
    if (last) this.carriage.sendLast(last);
    this.connection.forget();
    this.carriage.reset("the link is over", true);
    this.#seeker.stop();
    this.#greeting?.();
    this.#failAll();
    this.messages.end();
    this.streams.end();
    this.listeners.forEach((listener) => listener.ended(end));
    this.#carrier.ended(this);
  }

  #failAll(): void {
    const error = this.error();
    this.#posts.failAll(error);
    for (const stream of this.connection.conversation.openStreams) {
      stream.takeReset("writer", error.message);
      stream.takeReset("reader", error.message);
    }
    this.#pings.failAll(error);
    this.#settleOpened.reject(error);
  }
}
