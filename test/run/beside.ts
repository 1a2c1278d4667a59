/** What may run beside others. */
export interface Load {
  /** Cores it keeps busy; as many as there are, or more: nothing runs beside it. */
  readonly cores: number;
}

/** Sums of tenths are not exact. */
const NOTHING = 1e-6;

/**
 * Runs everything, each as soon as the cores it keeps busy are free: in the order given, but what
 * finds room overtakes what does not. So whatever needs the machine for itself comes last, one by one.
 */
export async function beside<T extends Load>(
  loads: readonly T[],
  cores: number,
  run: (load: T) => Promise<void>,
): Promise<void> {
  const waiting = [...loads];
  const running = new Set<Promise<void>>();
  let free = cores;
  const start = (load: T): void => {
    const taken = Math.min(load.cores, cores);
    free -= taken;
    const ended = run(load).finally(() => {
      free += taken;
      running.delete(ended);
    });
    running.add(ended);
  };
  for (;;) {
    for (let next; (next = waiting.findIndex((load) => fits(load, free, cores))) >= 0;) {
      start(waiting.splice(next, 1)[0]!);
    }
    if (running.size === 0) return;
    await Promise.race(running);
  }
}

function fits(load: Load, free: number, cores: number): boolean {
  return Math.min(load.cores, cores) <= free + NOTHING;
}
