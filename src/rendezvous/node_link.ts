/**
 * One session with another node: nothing but a greet is accepted first, and where there
 * is a token, only with the proof of it.
 *
 * @module
 */
import type { Identity } from "../identity/identity.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { EPOCH_AHEAD } from "../mesh/presence_limits.ts";
import { meshMac, type MeshSession, verifyMeshMac } from "../mesh/token.ts";
import type { Clock } from "../session/clock.ts";
import type { Session, SessionEnd, SessionHandlers } from "../session/session.ts";
import { encodeGreet, encodeProbe } from "../wire/frames.ts";
import { HANDSHAKE_STEP } from "../wire/limits.ts";
import type { Greet } from "../wire/mesh_protocol.ts";
import { type Control, Reason } from "../wire/protocol.ts";
import { Answering } from "./answering.ts";
import { Departures } from "./departures.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { Queued } from "./queue_room.ts";
import type { Shares } from "./shares.ts";

/** The nonce of probes between the ends of one session; failure detection draws its own at random. */
export const LINK_NONCE = 0;

/** Milliseconds after which a silent neighbour is asked, and after which its session is over. */
const QUIET = 500;
const SILENCE = 2_000;
/** Milliseconds between two measurements of a round trip. */
const MEASURE = 5_000;

/** Whom a link belongs to. */
export interface NodeLinkOwner {
  readonly identity: Identity;
  readonly network: string;
  readonly clock: Clock;
  readonly token: string | undefined;
  readonly counts: MeshCounts;
  readonly urls: readonly string[];
  readonly epoch: number;
  /** Whether this node may be a neighbour. */
  allows(node: PeerId): boolean;
  /** It has greeted, and proven what it has to. */
  greeted(link: NodeLink): void;
  hear(link: NodeLink, frame: Control): void;
  forward(link: NodeLink, message: Uint8Array, start: number, end: number): void;
  endOfMessage(link: NodeLink): void;
  /** It answers late, or again. */
  doubt(link: NodeLink, doubted: boolean): void;
  closed(link: NodeLink, end: SessionEnd): void;
}

export class NodeLink implements SessionHandlers, Queued {
  readonly dialled: boolean;
  readonly #owner: NodeLinkOwner;
  session!: Session;
  state: "greeting" | "greeted" | "over" = "greeting";
  /** What its greet said. */
  epoch = 0;
  urls: string[] = [];
  /** Monotonic milliseconds. */
  readyAt = 0;
  heardAt = 0;
  /** When it was last asked for a sign of life, monotonic milliseconds. */
  askedAt = 0;
  #rtt: number | undefined;
  /** How often it sent what an honest node would not. */
  blames = 0;
  waiting = 0;
  shares: Shares<object> | undefined;
  #stopWaiting: (() => void) | undefined;
  readonly answering: Answering;
  readonly #departures: Departures;

  constructor(owner: NodeLinkOwner, dialled: boolean) {
    this.#owner = owner;
    this.dialled = dialled;
    this.#departures = new Departures(owner.clock, () => this);
    this.answering = new Answering(owner.clock, {
      ask: (now) => this.ask(now),
      doubt: (doubted) => owner.doubt(this, doubted),
    });
  }

  get remote(): PeerId {
    return this.session.remote;
  }

  get dialledBy(): PeerId {
    return this.dialled ? this.#owner.identity.id : this.remote;
  }

  /** Round trip, milliseconds, once it is known. */
  get rtt(): number | undefined {
    return this.session.rtt ?? this.#rtt;
  }

  /**
   * Sends `frames` forward frames of `size` bytes, which `write` makes; they wait for others of this turn, all the more when the socket is
   * behind: what each message costs would put it further behind. Returns the bytes that wait
   * in the socket, as far as is known, or -1 when it takes nothing.
   */
  post(size: number, frames: number, write: (bytes: Uint8Array) => void): number {
    this.answering.sent();
    if (this.session.state !== "ready") return -1;
    this.#departures.add(size, frames, write);
    return this.waiting;
  }

  get copies(): boolean {
    return this.session.copies;
  }

  sendBatch(message: Uint8Array): void {
    this.waiting = Math.max(0, this.session.sendBatch(message));
  }

  /** For a sign of life, and the round trip. */
  ask(now: number): void {
    this.askedAt = now;
    this.session.send(encodeProbe(LINK_NONCE, this.session.remoteKey));
  }

  /** A session whose other end fell silent is of no use: routes lead around it. */
  watch(now: number): void {
    const { session, heardAt, askedAt } = this;
    if (now - heardAt >= SILENCE) session.close(Reason.pingTimeout, "nothing was heard for two seconds");
    else if (now - heardAt >= QUIET || now - askedAt >= MEASURE) this.ask(now);
  }

  answered(now: number): void {
    this.#rtt = now - this.askedAt;
  }

  ready(session: Session): void {
    this.session = session;
    const { clock, token, urls, epoch } = this.#owner;
    this.readyAt = this.heardAt = clock.now();
    if (!this.#owner.allows(session.remote)) return this.#refuse("not-allowed");
    const side = this.dialled ? "dialer" : "acceptor";
    const mac = token === undefined ? null : meshMac(token, this.#binding(), side);
    session.send(encodeGreet({ epoch, urls: [...urls], mac }));
    this.#stopWaiting = clock.after(HANDSHAKE_STEP, () => this.#refuse("no-greet"));
  }

  /** Nodes send forward frames alone. */
  data(): void {
    this.#owner.counts.refused("data-from-node");
  }

  forward(_session: Session, message: Uint8Array, start: number, end: number): void {
    if (this.state === "greeted") this.#owner.forward(this, message, start, end);
    else this.#refuse("no-greet");
  }

  control(_session: Session, frame: Control): void {
    if (this.state === "greeted") return this.#owner.hear(this, frame);
    if (frame.kind === "greet") this.#greet(frame);
    else this.#refuse("no-greet");
  }

  endOfMessage(): void {
    this.heardAt = this.#owner.clock.now();
    this.answering.heard();
    this.#owner.endOfMessage(this);
  }

  drain(): void {
    this.waiting = 0;
    this.shares = undefined;
  }

  closed(_session: Session, end: SessionEnd): void {
    this.state = "over";
    this.#stopWaiting?.();
    this.answering.stop();
    this.#owner.closed(this, end);
  }

  #greet({ epoch, urls, mac }: Greet): void {
    const { clock, token } = this.#owner;
    if (epoch > clock.wall() + EPOCH_AHEAD) return this.#refuse("future-epoch");
    const speaker = this.dialled ? "acceptor" : "dialer";
    if (token !== undefined && !verifyMeshMac(token, this.#binding(), speaker, mac)) {
      return this.#refuse(mac === null ? "no-token" : "wrong-token");
    }
    this.#stopWaiting?.();
    Object.assign(this, { state: "greeted", epoch, urls });
    this.#owner.greeted(this);
  }

  #binding(): MeshSession {
    const { session, dialled } = this;
    const { identity: { publicKey }, network } = this.#owner;
    const challenge = dialled ? session.hello!.challenge : session.challenge!;
    const [dialer, acceptor] = dialled ? [publicKey, session.remoteKey] : [session.remoteKey, publicKey];
    return { network, challenge, dialer, acceptor };
  }

  #refuse(why: string): void {
    if (this.state === "over") return;
    this.state = "over";
    this.#stopWaiting?.();
    this.#owner.counts.refused(why);
    this.session.close(Reason.unauthorized, REFUSALS[why] ?? why);
  }
}

const REFUSALS: Record<string, string> = {
  "not-allowed": "this node is not on the list of those that may join; ask its operator",
  "no-token": "nodes of this network prove its token; start this one with the same",
  "wrong-token": "the proof of the network's token is wrong; start all nodes with the same",
  "no-greet": "a node greets first",
  "future-epoch": "this node's clock is more than a day ahead",
};
