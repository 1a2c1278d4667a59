/** The time as protocol code sees it: a parameter, so that a simulator can turn it. */
export interface Clock {
  /** Monotonic milliseconds: only differences mean something. */
  now(): number;
  /** Milliseconds since 1970, as far as this machine knows. */
  wall(): number;
  /** Runs once after `delay` ms; MUST NOT run after the returned function was called. */
  after(delay: number, run: () => void): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
};
