import type { PeerId } from "../identity/peer_id.ts";
import type { Verdict } from "./reception.ts";

/**
 * Somebody wants to begin a link. A listener of `request` may decide at once, or say
 * with {@link LinkRequest.decideLater} that it will; otherwise the `accept` option does.
 */
export class LinkRequest {
  readonly peer: PeerId;
  #decision: Promise<Verdict> | undefined;

  constructor(peer: PeerId) {
    this.peer = peer;
  }

  accept(): void {
    this.#decision ??= Promise.resolve({ accepted: true });
  }

  /** `reason` is told to the other side. */
  reject(reason: string = "not now"): void {
    this.#decision ??= Promise.resolve({ accepted: false, reason });
  }

  /** The promise decides: true accepts, false rejects, a rejection of the promise rejects as well. */
  decideLater(decision: Promise<boolean>): void {
    this.#decision ??= decision.then(verdictOf, () => verdictOf(false));
  }

  /** What was decided, or what `fallback` decides. */
  verdict(fallback: (peer: PeerId) => boolean | Promise<boolean>): Promise<Verdict> {
    return this.#decision ??
      Promise.resolve(this.peer).then(fallback).then(verdictOf, () => verdictOf(false));
  }
}

function verdictOf(accepted: boolean): Verdict {
  return accepted ? { accepted } : { accepted, reason: "the peer does not accept links from you" };
}
