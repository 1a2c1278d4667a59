import type { Clock } from "../session/clock.ts";
import { WaymeetError } from "../wire/error.ts";

interface Waiting {
  /** Waits for the first session: gives up when every node failed. */
  first: boolean;
  resolve(): void;
  reject(error: Error): void;
}

/** Those who wait for a session with a node. */
export class Standstill {
  #going = false;
  #failure: WaymeetError | undefined;
  /** Why each node's last try came to nothing, by URL. */
  readonly #failures = new Map<string, WaymeetError>();
  readonly #waiting = new Set<Waiting>();

  /** A session is there. */
  go(): void {
    this.#going = true;
    this.#failures.clear();
    this.#settle((each) => each.resolve());
  }

  /** The session is gone; another may come. */
  stop(): void {
    this.#going = false;
  }

  /** A try came to nothing. Who waits for the first session is told once every node failed. */
  failed(error: WaymeetError, url: string, nodes: number): void {
    this.#failures.set(url, error);
    if (this.#failures.size < nodes) return;
    // A node that answered and said no says more than one that is not there.
    const refusal = [...this.#failures.values()].find(({ code }) => code !== "node-unreachable");
    this.#settle((each) => each.first && each.reject(refusal ?? error));
  }

  /** No session will ever be there. */
  fail(error: WaymeetError): void {
    this.#failure ??= error;
    this.#settle((each) => each.reject(this.#failure!));
  }

  /** Resolves with the first session; rejects when every node failed once. */
  first(signal?: AbortSignal): Promise<void> {
    return this.wait(undefined, Infinity, signal, true);
  }

  /** Resolves when a session is there; rejects when none will be, at `until`, or when `signal` fires. */
  wait(clock: Clock | undefined, until: number, signal?: AbortSignal, first: boolean = false): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (this.#going) return Promise.resolve();
    return this.#suspend(
      first,
      signal,
      ({ reject }) => clock?.after(Math.max(0, until - clock.now()), () => reject(late())),
    );
  }

  /** Resolves after `delay` ms, or when a session comes; rejects as {@link wait}. */
  pause(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return this.#suspend(false, signal, ({ resolve }) => clock.after(delay, resolve));
  }

  #suspend(
    first: boolean,
    signal: AbortSignal | undefined,
    arm: (each: Waiting) => (() => void) | undefined,
  ): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = () => each.reject(aborted(signal!));
      const release = () => {
        cancel?.();
        signal?.removeEventListener("abort", abort);
        this.#waiting.delete(each);
      };
      const each: Waiting = {
        first,
        resolve: () => (release(), resolve()),
        reject: (error) => (release(), reject(error)),
      };
      signal?.addEventListener("abort", abort);
      this.#waiting.add(each);
      const cancel = arm(each);
    });
  }

  #settle(act: (each: Waiting) => void): void {
    for (const each of [...this.#waiting]) act(each);
  }
}

/** As `promise`, but rejects as soon as `signal` fires. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {}); // nobody waits for it any more
    return Promise.reject(aborted(signal));
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(aborted(signal));
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function aborted(signal: AbortSignal): WaymeetError {
  return new WaymeetError("aborted", "the caller's signal fired", { cause: signal.reason });
}

function late(): WaymeetError {
  return new WaymeetError("node-unreachable", "no session with a node came about in time: is it running?");
}
