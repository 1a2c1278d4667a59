import { compareBytes } from "../wire/cbor.ts";
import { RoundTrip } from "./congestion.ts";
import { encodeChallenge } from "./frames.ts";
import { MAX_ANSWERS, MAX_CHALLENGES, MAX_PACKET } from "./limits.ts";
import { TRANSPORT_OVERHEAD } from "./packet.ts";
import { Track } from "./track.ts";
import { type CandidateOutcome, PATH_HIGH_WATER, type PathKind, type PathTransport } from "./transport.ts";

interface Challenge {
  token: Uint8Array;
  sentAt: number;
}

/**
 * One of the ways by which a link's packets travel, and what challenges told about it.
 * A path other than the relay carries nothing of the conversation before a challenge
 * made the round trip over it (RFC 9000 §8.2).
 */
export class Route {
  /** 0 is the relay. */
  readonly id: number;
  /** `undefined` is the relay. */
  readonly transport: PathTransport | undefined;
  /** What left by it; the relay's is the conversation's own. */
  readonly track: Track | undefined;
  /** By challenges alone: acknowledgements may come back by another path. */
  readonly roundTrip: RoundTrip = new RoundTrip();
  state: "candidate" | "validated" | "closed" = "candidate";
  /** Frames that wait to leave by this path. */
  #frames: Uint8Array[] = [];
  readonly #challenges: Challenge[] = [];
  #settled: ((outcome: CandidateOutcome) => void) | undefined;

  constructor(id: number, transport?: PathTransport, settled?: (outcome: CandidateOutcome) => void) {
    this.id = id;
    this.transport = transport;
    this.track = transport && new Track();
    this.#settled = settled;
  }

  get kind(): PathKind {
    return this.transport?.kind ?? "relay";
  }

  /** Plaintext bytes of its largest packet. */
  get room(): number {
    return this.transport ? Math.min(MAX_PACKET, this.transport.maxPacket - TRANSPORT_OVERHEAD) : MAX_PACKET;
  }

  /** More given to it now would only wait in it. */
  get full(): boolean {
    return this.transport !== undefined && this.transport.buffered >= PATH_HIGH_WATER;
  }

  challenge(token: Uint8Array, now: number): void {
    this.#challenges.push({ token, sentAt: now });
    if (this.#challenges.length > MAX_CHALLENGES) this.#challenges.splice(1, 1);
    this.#frames.push(encodeChallenge("challenge", token));
  }

  /** A challenge of the other side; what is asked more often than it can be answered is not answered. */
  answer(token: Uint8Array): void {
    if (this.#frames.length < MAX_ANSWERS) this.#frames.push(encodeChallenge("challenge-ack", token));
  }

  /** The round trip that an answer tells, milliseconds; `undefined` when nothing of the kind was asked here. */
  answered(token: Uint8Array, now: number): number | undefined {
    const at = this.#challenges.findIndex((challenge) => compareBytes(challenge.token, token) === 0);
    if (at < 0) return undefined;
    const rtt = now - this.#challenges[at]!.sentAt;
    this.#challenges.splice(0, at + 1);
    this.roundTrip.sample(rtt);
    return rtt;
  }

  get waiting(): boolean {
    return this.#frames.length > 0;
  }

  /** What waits to leave. */
  take(): Uint8Array[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  settle(outcome: CandidateOutcome): void {
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.(outcome);
  }
}
