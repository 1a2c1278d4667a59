/**
 * Records: what each peer here says about itself, signed, for whoever asks. A node keeps
 * the newest one as long as the peer has its seat, and hands on the bytes as they came.
 *
 * @module
 */
import { type PeerId, peerIdBytes } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { compareBytes } from "../wire/cbor.ts";
import { encodeFound } from "../wire/frames.ts";
import { MAX_SOUGHT } from "../wire/limits.ts";
import {
  type HeldBytes,
  type Lookup,
  type PeerRecord,
  Reason,
  type SignedBytes,
  UNASKED,
} from "../wire/protocol.ts";
import { compareRecords, leftOf, readRecord, verifyRecord } from "../wire/record.ts";
import { PEER_ID } from "./admission.ts";
import { watch } from "./correspondents.ts";
import { type Foreseen, isOf, type RecordVerdict } from "./foreseen.ts";
import type { NodeMetrics } from "./metrics.ts";
import { type NodeLimits, PUBLISH_COST } from "./node_limits.ts";
import type { HeldRecord, Registry, Seat } from "./registry.ts";
import { TokenBucket } from "../session/token_bucket.ts";

/** Publishes of one peer that are verified at once; an honest one has one or two. */
const MAX_VERIFYING = 4;

export interface RecordsOptions {
  /** This node's key: only records that name it are kept. */
  node: Uint8Array;
  network: string;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  /** Told of each record that is kept, while its peer is here. */
  kept?: (seat: Seat, record: PeerRecord, signed: SignedBytes) => void;
  /** Other nodes are to know at once what was {@link kept}. */
  hurry?: () => void;
  /** What other nodes list of a peer, as far as this one knows without asking. */
  listed?: (peer: PeerId) => HeldBytes | undefined;
  /** What other nodes list of a peer; the asker will be told when no node does any more. */
  elsewhere?: (peer: Uint8Array, asker: Seat) => HeldBytes | undefined | Promise<HeldBytes | undefined>;
}

export class Records {
  readonly #o: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.#o = options;
  }

  /**
   * A peer tells its record. Verified beside the traffic; lookups that come meanwhile wait for it. One that was
   * foreseen is kept before this returns.
   */
  async publish(seat: Seat, signed: SignedBytes, foreseen?: Foreseen): Promise<void> {
    const held = seat.record ??= { signed: undefined, expires: 0, verifying: 0, waiting: undefined };
    if (held.verifying >= MAX_VERIFYING || !this.#allows(seat, PUBLISH_COST)) {
      return this.#refuse(seat, "rate-limited");
    }
    held.verifying++;
    const checked = foreseen && isOf(foreseen, signed)
      ? this.#judge(seat, foreseen.verdict)
      : await this.#check(seat, signed).catch(() => "unverifiable");
    held.verifying--;
    const why = typeof checked === "string" ? checked : this.#keep(seat, held, checked, signed);
    if (why !== undefined) this.#refuse(seat, why);
    else if (foreseen?.leads) this.#o.hurry?.();
    if (held.verifying === 0) answerWaiting(held);
  }

  /** A peer asks where another one is. */
  lookup(asker: Seat, { request, peer }: Lookup): void {
    if (!this.#allows(asker, 1)) return this.#answer(asker, request, Reason.rateLimited, null);
    const held = this.#o.registry.find(peer)?.record;
    if (held === undefined || held.verifying === 0) this.#answerFromSeat(asker, request, peer);
    else (held.waiting ??= []).push(() => this.#answerFromSeat(asker, request, peer));
  }

  /** Where these peers are, for a stranger whose URL asks, as found frames; those of whom this node knows nothing are left out. */
  foretell(ids: readonly string[]): Uint8Array[] {
    return ids.slice(0, MAX_SOUGHT).filter((id) => PEER_ID.test(id)).flatMap((id) => {
      const seat = this.#o.registry.find(peerIdBytes(id as PeerId));
      const known = (seat && this.#held(seat)) ?? this.#o.listed?.(id as PeerId);
      this.#o.metrics.foretold(known !== undefined);
      return known ? [encodeFound(UNASKED, Reason.none, known)] : [];
    });
  }

  /** The record of a peer that has its seat here. */
  #held({ record: held }: Seat): HeldBytes | undefined {
    const now = this.#o.clock.wall();
    if (!held?.signed || held.expires <= now) return undefined;
    return { ...held.signed, left: leftOf(held.expires, now) };
  }

  /** The record, or why it is not kept. */
  async #check(seat: Seat, signed: SignedBytes): Promise<PeerRecord | string> {
    return this.#judge(
      seat,
      await verifyRecord(signed, { network: this.#o.network, now: this.#o.clock.wall() }),
    );
  }

  #judge(seat: Seat, verified: RecordVerdict): PeerRecord | string {
    if (verified.error !== undefined) return verified.error;
    const { record } = verified;
    if (compareBytes(record.peer, seat.key) !== 0) return "of another peer";
    return names(record, this.#o.node) ? record : "does not name this node";
  }

  /** In one turn with the comparison: two publishes may be verified at once, and end in any order. */
  #keep(seat: Seat, held: HeldRecord, record: PeerRecord, signed: SignedBytes): string | undefined {
    const before = held.signed && readRecord(held.signed);
    if (before && compareRecords(record, before) <= 0) return "not newer";
    held.signed = signed;
    held.expires = this.#o.clock.wall() + record.expires - record.issued; // its session proves that it was signed now
    this.#o.metrics.recordsKept++;
    if (seat.live) this.#o.kept?.(seat, record, signed);
    return undefined;
  }

  #refuse(seat: Seat, why: string): void {
    this.#o.metrics.recordRefused(why, seat.key);
  }

  #answerFromSeat(asker: Seat, request: number, peer: Uint8Array): void {
    const seat = this.#o.registry.find(peer);
    const held = seat && this.#held(seat);
    if (!held) return this.#answerFromElsewhere(asker, request, this.#o.elsewhere?.(peer, asker));
    if (seat !== asker) watch(seat, asker, this.#o.limits.correspondents);
    this.#answer(asker, request, Reason.none, held);
  }

  /** Nobody who can answer is as good as nobody who knows. */
  #answerFromElsewhere(
    asker: Seat,
    request: number,
    found: HeldBytes | undefined | Promise<HeldBytes | undefined>,
  ): void {
    if (found instanceof Promise) {
      const answer = (signed?: HeldBytes) => this.#answerFromElsewhere(asker, request, signed);
      return void found.then(answer, () => answer());
    }
    this.#answer(asker, request, found ? Reason.none : Reason.absent, found ?? null);
  }

  #answer(asker: Seat, request: number, reason: Reason, record: HeldBytes | null): void {
    this.#o.metrics.lookedUp(reason, asker.key);
    if (!asker.live || asker.session.buffered > this.#o.limits.queue) return;
    asker.session.send(encodeFound(request, reason, record));
  }

  #allows(seat: Seat, cost: number): boolean {
    const { lookupsPerSecond, lookupBurst } = this.#o.limits;
    const now = this.#o.clock.now();
    seat.lookups ??= new TokenBucket(lookupBurst, now);
    return seat.lookups.take(cost, lookupsPerSecond, lookupBurst, now);
  }
}

function answerWaiting(held: HeldRecord): void {
  const waiting = held.waiting;
  held.waiting = undefined;
  for (const answer of waiting ?? []) answer();
}

function names(record: PeerRecord, node: Uint8Array): boolean {
  return record.nodes.some((id) => compareBytes(id, node) === 0);
}
