/**
 * Which other nodes there are, as peers are told: in the welcome, in a bye, and as news when
 * that changes while they are here. A node that begins knows nobody; whoever came then would
 * have no standby until its next session.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { encodeNodes } from "../wire/frames.ts";
import { MAX_NODES } from "../wire/limits.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Registry } from "./registry.ts";

/** Milliseconds from a change to the news of it: nodes seldom begin, or leave, alone. */
export const NEWS_DELAY = 500;
/** Milliseconds between news: with 16 long URLs to each of 15,000 peers one piece has 62 MB. */
export const NEWS_INTERVAL = 5_000;

export interface OtherNodesOptions {
  /** URLs that the operator named. */
  named: readonly string[];
  /** URLs that the mesh knows. */
  met: () => readonly string[];
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
}

export class OtherNodes {
  readonly #o: OtherNodesOptions;
  #told: ReadonlySet<string>;
  #toldAt = -Infinity;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: OtherNodesOptions) {
    this.#o = options;
    this.#told = new Set(options.named);
  }

  /** Those of the operator, then those of the mesh. */
  get urls(): string[] {
    const urls = new Set([...this.#o.named, ...this.#o.met()]);
    return [...urls].slice(0, MAX_NODES);
  }

  /** The mesh may know others now. */
  changed(): void {
    if (this.#cancel || this.#stopped) return;
    const { clock } = this.#o;
    const delay = Math.max(NEWS_DELAY, this.#toldAt + NEWS_INTERVAL - clock.now());
    this.#cancel = clock.after(delay, () => {
      this.#cancel = undefined;
      this.#tell(this.urls);
    });
  }

  /** No more news: who is still here is sent away. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Nobody at all is no news: a node that is cut off does not know better than before. */
  #tell(urls: string[]): void {
    const same = urls.length === this.#told.size && urls.every((url) => this.#told.has(url));
    if (same || urls.length === 0) return;
    const { registry, limits, metrics, clock } = this.#o;
    this.#told = new Set(urls);
    this.#toldAt = clock.now();
    const frame = encodeNodes(urls);
    for (const { session } of registry) {
      if (session.buffered > limits.queue) continue; // it gets the next news, or a welcome
      session.send(frame);
      metrics.nodesTold++;
    }
  }
}
