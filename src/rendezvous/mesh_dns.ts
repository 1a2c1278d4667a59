/**
 * Asks a domain for nodes, again and again, and never more often than is polite.
 *
 * @module
 */
import { serviceName, spotsOf, type SrvRecord } from "../mesh/dns_places.ts";
import {
  DNS_ALONE,
  DNS_DEADLINE,
  DNS_INTERVAL,
  DNS_RETRY_FIRST,
  DNS_RETRY_LONGEST,
} from "../mesh/mesh_limits.ts";
import type { Spot } from "../mesh/places.ts";
import type { Clock } from "../session/clock.ts";
import type { Resolver } from "./mesh_options.ts";

export interface DnsStatus {
  name: string;
  /** URLs that the last answer held. */
  found: number;
  asked: number;
  failed: number;
  /** Why the last question failed; absent when it did not. */
  problem?: string;
}

export interface MeshDnsOptions {
  domain: string;
  resolver: Resolver;
  clock: Clock;
  /** No session with any node stands. */
  alone: () => boolean;
  /** Uniform in [0, 1): spreads the questions. */
  random: () => number;
  found: (spots: readonly Spot[]) => void;
  malformed: (count: number) => void;
}

export class MeshDns {
  readonly #o: MeshDnsOptions;
  readonly #status: DnsStatus;
  #inARow = 0;
  #cancel: () => void = () => {};
  #over = false;

  constructor(options: MeshDnsOptions) {
    this.#o = options;
    this.#status = { name: serviceName(options.domain), found: 0, asked: 0, failed: 0 };
    void this.#ask();
  }

  get status(): DnsStatus {
    return { ...this.#status };
  }

  stop(): void {
    this.#over = true;
    this.#cancel();
    this.#o.resolver.cancel();
  }

  /** What was found before stays while questions fail: a name server that is down takes no node away. */
  async #ask(): Promise<void> {
    this.#status.asked++;
    try {
      const { spots, malformed } = await this.#within(this.#resolve());
      if (this.#over) return;
      this.#inARow = 0;
      this.#status.found = spots.length;
      delete this.#status.problem;
      if (malformed > 0) this.#o.malformed(malformed);
      this.#o.found(spots);
    } catch (error) {
      if (this.#over) return;
      this.#inARow++;
      this.#status.failed++;
      this.#status.problem = (error as Error).message;
    }
    this.#cancel = this.#o.clock.after(this.#pause(), () => void this.#ask());
  }

  /** One kind of record is enough. */
  async #resolve(): Promise<{ spots: Spot[]; malformed: number }> {
    const { resolver } = this.#o;
    const { name } = this.#status;
    const [srv, txt] = await Promise.allSettled([resolver.resolveSrv(name), resolver.resolveTxt(name)]);
    if (srv.status === "rejected" && txt.status === "rejected") throw srv.reason;
    return spotsOf(valueOf<SrvRecord>(srv), valueOf<string[]>(txt));
  }

  #within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#o.clock.after(
        DNS_DEADLINE,
        () => reject(new Error("the name server did not answer")),
      );
      answer.then(resolve, reject).finally(cancel);
    });
  }

  #pause(): number {
    const { alone, random } = this.#o;
    const regular = alone() ? DNS_ALONE : DNS_INTERVAL;
    const failing = Math.min(DNS_RETRY_FIRST * 2 ** (this.#inARow - 1), DNS_RETRY_LONGEST);
    return (this.#inARow > 0 ? failing : regular) * (0.75 + random() / 2);
  }
}

function valueOf<T>(result: PromiseSettledResult<T[]>): T[] {
  return result.status === "fulfilled" ? result.value : [];
}
