/** The time as protocol code sees it: a parameter, so that a simulator can turn it. */
export interface Clock {
  /** Monotonic milliseconds: only differences mean something. */
  now(): number;
  /** Milliseconds since 1970, as far as this machine knows. */
  wall(): number;
  /** Runs once after `delay` ms; MUST NOT run after the returned function was called. */
  after(delay: number, run: () => void): () => void;
  /** Runs once, when this turn of the event loop and the promises that it settled are done. Default: the next microtask. */
  soon?(run: () => void): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  soon: endOfTurn(),
};

/**
 * `setImmediate` where there is one (Node, Bun, Deno); in browsers a message to oneself,
 * because `setTimeout` waits 4 ms there (HTML §8.6). Made when first needed: an open
 * channel keeps some runtimes alive.
 */
function endOfTurn(): (run: () => void) => void {
  const immediate = (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate;
  if (immediate) return (run) => void immediate(run);
  const waiting: (() => void)[] = [];
  let channel: MessageChannel | undefined;
  return (run) => {
    if (!channel) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(run);
    channel.port2.postMessage(0);
  };
}
