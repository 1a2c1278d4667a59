/** What may run beside others. */
export interface Load {
  /** Cores that are kept for it; for as many as there are, or more, it runs alone. */
  readonly cores: number;
}

/** Sums of tenths are not exact. */
const NOTHING = 1e-6;

/**
 * Runs everything, each as soon as there are cores for it: in the order given, but what
 * finds room overtakes what does not. So whatever needs the machine for itself comes last, one by one.
 */
export async function beside<T extends Load>(
  loads: readonly T[],
  machine: number,
  run: (load: T) => Promise<void>,
): Promise<void> {
  const waiting = [...loads];
  const running = new Map<T, Promise<void>>();
  const alone = ({ cores }: T): boolean => cores >= machine;
  const hasRoom = (next: T): boolean => {
    if (running.size === 0) return true;
    if ([...running.keys(), next].some(alone)) return false;
    const busy = [...running.keys()].reduce((sum, { cores }) => sum + cores, 0);
    return busy + next.cores <= machine + NOTHING;
  };
  for (;;) {
    for (let at; (at = waiting.findIndex(hasRoom)) >= 0;) {
      const [next] = waiting.splice(at, 1) as [T];
      running.set(next, run(next).finally(() => running.delete(next)));
    }
    if (running.size === 0) return;
    await Promise.race(running.values());
  }
}
