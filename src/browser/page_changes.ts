/**
 * What a page learns of its network (HTML §8.9, `online` and `offline`) and of its own sleep and
 * end (Page Lifecycle). Workers have the first two; runtimes without `navigator.onLine` tell nothing.
 *
 * @module
 */

/** As the SDK's platform port has them. */
type Change = "offline" | "online" | "woke" | "leaving" | "returned";

/** The globals of a page that are used; tests bring their own. */
export interface Page extends EventTarget {
  navigator?: { onLine?: boolean };
  document?: EventTarget & { visibilityState: string };
}

/** The part of the SDK's clock that is used. */
interface Time {
  /** Milliseconds since 1970. */
  wall(): number;
  after(delay: number, run: () => void): () => void;
}

const PAGE_TIME: Time = {
  wall: () => Date.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
};

/** Milliseconds between two looks at the time of day. */
const LOOK = 10_000;
/** Milliseconds missing between two looks after which the machine slept: a hidden page's timers are a minute late. */
const SLEPT = 75_000;

/**
 * Tells of changes until the returned function is called.
 *
 * Nothing here ends a session by itself: `offline` is said of a machine that still reaches itself,
 * and a page that is hidden goes on receiving.
 */
export function pageChanges(
  tell: (change: Change) => void,
  page: Page = globalThis as unknown as Page,
  time: Time = PAGE_TIME,
): () => void {
  if (page.navigator?.onLine === undefined) return () => {};
  const listening = new AbortController();
  const on = (target: EventTarget | undefined, type: string, hear: (event: Event) => void) =>
    target?.addEventListener(type, hear, { signal: listening.signal });
  on(page, "offline", () => tell("offline"));
  on(page, "online", () => tell("online"));
  on(page, "pagehide", () => tell("leaving"));
  on(page, "pageshow", (event) => (event as PageTransitionEvent).persisted && tell("returned"));
  const { document } = page;
  on(document, "resume", () => tell("woke"));
  on(document, "visibilitychange", () => document!.visibilityState === "visible" && tell("woke"));
  const stop = watchSleep(time, () => tell("woke"));
  if (!page.navigator.onLine) tell("offline");
  return () => {
    listening.abort();
    stop();
  };
}

/** By the time of day: monotonic clocks may stand still while a machine sleeps. */
function watchSleep(time: Time, woke: () => void): () => void {
  let last = time.wall();
  const look = () => {
    const now = time.wall();
    if (now - last > SLEPT) woke();
    last = now;
    cancel = time.after(LOOK, look);
  };
  let cancel = time.after(LOOK, look);
  return () => cancel();
}
