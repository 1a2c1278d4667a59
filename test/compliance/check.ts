/** What a runtime has to do, and what is asked of it. */

/** A running node, known by its URL. */
export interface Target {
  /** `ws://…`, as peers dial it. */
  readonly url: string;
  /** Asks the node to leave, in the way of its platform. */
  drain(): Promise<void> | void;
  /** Ends it, whatever it does. */
  close(): Promise<void>;
}

/** One claim about a node, tried from outside. */
export interface Check {
  /** A claim. */
  name: string;
  /** Rejects when it does not hold. */
  run(target: Target): Promise<void>;
}

/** Bytes that a node under test queues for one peer. */
export const QUEUE = 1_000_000;
/** Whoever calls itself so makes a listener of the operator throw. */
export const THROWING_AGENT = "compliance-throws/1";

export function http(target: Pick<Target, "url">, path: string): string {
  return target.url.replace(/^ws/, "http") + path;
}

/** A number that the node's metrics show; 0 when it counts none. */
export async function metric(target: Pick<Target, "url">, name: string): Promise<number> {
  const text = await (await fetch(http(target, "/metrics"))).text();
  return Number(new RegExp(`^waymeet_${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}
