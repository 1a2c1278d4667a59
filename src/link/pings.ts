import type { PeerId } from "../identity/peer_id.ts";
import { WaymeetError } from "../wire/error.ts";

interface Waiting {
  began: number;
  resolve(took: number): void;
  reject(error: Error): void;
}

/** Pings on their way: probes whose answers somebody waits for. */
export class Pings {
  readonly #waiting = new Map<number, Waiting>();
  readonly #peer: PeerId;
  #last = 0;

  constructor(peer: PeerId) {
    this.#peer = peer;
  }

  /** `send` gets the nonce of the probe to send; 0 is never one. */
  ask(now: number, send: (nonce: number) => void, signal?: AbortSignal): Promise<number> {
    const nonce = this.#last = (this.#last % 0x7fff_ffff) + 1;
    return new Promise((resolve, reject) => {
      const abort = () => this.#settle(nonce)?.reject(aborted(this.#peer, signal!));
      if (signal?.aborted) return reject(aborted(this.#peer, signal));
      signal?.addEventListener("abort", abort);
      const release = () => signal?.removeEventListener("abort", abort);
      this.#waiting.set(nonce, {
        began: now,
        resolve: (took) => (release(), resolve(took)),
        reject: (error) => (release(), reject(error)),
      });
      send(nonce);
    });
  }

  answered(nonce: number, now: number): void {
    const waiting = this.#settle(nonce);
    waiting?.resolve(now - waiting.began);
  }

  failAll(error: Error): void {
    for (const nonce of [...this.#waiting.keys()]) this.#settle(nonce)!.reject(error);
  }

  #settle(nonce: number): Waiting | undefined {
    const waiting = this.#waiting.get(nonce);
    this.#waiting.delete(nonce);
    return waiting;
  }
}

function aborted(peer: PeerId, signal: AbortSignal): WaymeetError {
  return new WaymeetError("aborted", "the ping was aborted", { peer, cause: signal.reason });
}
