/**
 * A STUN server without its sockets: datagrams in, answers out, everything counted.
 *
 * @module
 */
import type { TransportAddress } from "./address.ts";
import { type Answer, answer, type Silence, type Site, type Spot } from "./answer.ts";
import { SourceLimit, type SourceLimits } from "./source_limit.ts";

/** Why a datagram went unanswered. */
export type Drop = Silence | "rate" | "total-rate";

/** What a server has counted since it began. */
export interface StunCounts {
  datagrams: number;
  bytesIn: number;
  bytesOut: number;
  answers: Record<Answer["outcome"], number>;
  drops: Partial<Record<Drop, number>>;
  /** Answers that the system did not take. */
  sendErrors: number;
}

/** Where a datagram came in. */
export interface Arrival {
  readonly source: TransportAddress;
  readonly site: Site;
  readonly spot: Spot;
}

/**
 * Answers Binding requests (RFC 8489) within the limits of each source.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseAddress } from "./address.ts";
 * import { bindingRequest } from "./transaction.ts";
 * const server = new StunServer(() => performance.now());
 * const source = parseAddress("192.0.2.1", 32_853)!;
 * const site = { addresses: [undefined], ports: [3478] };
 * const request = bindingRequest(crypto.getRandomValues(new Uint8Array(12)));
 * const answer = server.receive(request, { source, site, spot: { address: 0, port: 0 } });
 * assert(answer!.bytes.length <= request.length);
 * ```
 */
export class StunServer {
  readonly counts: StunCounts = {
    datagrams: 0,
    bytesIn: 0,
    bytesOut: 0,
    answers: { success: 0, "unknown-attribute": 0 },
    drops: {},
    sendErrors: 0,
  };
  readonly #now: () => number;
  readonly #limit: SourceLimit;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number, limits?: SourceLimits) {
    this.#now = now;
    this.#limit = new SourceLimit(limits);
  }

  /** `undefined`: nothing is to be sent. Never throws, whatever a stranger sends. */
  receive(datagram: Uint8Array, { source, site, spot }: Arrival): Answer | undefined {
    const { counts } = this;
    counts.datagrams++;
    counts.bytesIn += datagram.length;
    const reply = answer(datagram, source, site, spot);
    if (typeof reply === "string") return this.#drop(reply);
    const verdict = this.#limit.take(source, this.#now());
    if (verdict !== "granted") return this.#drop(verdict === "rate" ? "rate" : "total-rate");
    counts.bytesOut += reply.bytes.length;
    counts.answers[reply.outcome]++;
    return reply;
  }

  #drop(why: Drop): undefined {
    this.counts.drops[why] = (this.counts.drops[why] ?? 0) + 1;
  }
}
