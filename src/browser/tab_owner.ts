/**
 * One tab of an origin does what may be done only once, such as holding a peer's session.
 * Web Locks elect it: the lock of a tab that is closed, or crashes, goes to the next one
 * at once, without timers that a tab in the background would have throttled.
 *
 * @module
 */

/** The part of `navigator.locks` (Web Locks API) that is used; tests bring their own. */
export interface Locks {
  request<T>(name: string, options: { signal?: AbortSignal }, held: () => Promise<T>): Promise<T>;
}

/**
 * Runs `own` once this tab is the owner of `name`, and keeps the ownership until its promise
 * settles. Several tabs wait in the order in which they asked.
 *
 * @param signal gives up waiting, and is handed to `own` to end it.
 * @returns what `own` returned; `undefined` when `signal` fired before.
 * @throws {TypeError} where there are no Web Locks (a page without a secure context).
 *
 * @example
 * ```ts ignore
 * await ownTab("chat of Ada", async (signal) => {
 *   await using peer = await Peer.open({ nodes, key: browserKeyStore("Ada") });
 *   await aborted(signal);
 * }, { signal });
 * ```
 */
export async function ownTab<T>(
  name: string,
  own: (signal: AbortSignal) => Promise<T>,
  { signal = new AbortController().signal, locks = webLocks() }: { signal?: AbortSignal; locks?: Locks } = {},
): Promise<T | undefined> {
  try {
    return await locks.request(`waymeet ${name}`, { signal }, async () => {
      return signal.aborted ? undefined : await own(signal);
    });
  } catch (error) {
    if (signal.aborted && (error as Error).name === "AbortError") return undefined;
    throw error;
  }
}

function webLocks(): Locks {
  const { locks } = globalThis.navigator as { locks?: Locks };
  if (!locks) throw new TypeError("no Web Locks here: serve the page over https, or from localhost");
  return locks;
}
