/**
 * Requests wait for their turn before anything is made of them: routing a thousand of them, and telling most that
 * they cannot come in, would hold up each word of those who have a session, as upgrading them would.
 *
 * @module
 */
import { refusal, type Refused } from "./app.ts";
import type { Answerer } from "./bindings.ts";
import type { Turnstile } from "./turnstile.ts";

/** A node, as far as those before its door see it. */
export interface Doorstep {
  readonly turnstile: Turnstile;
  readonly limits: { readonly handshakes: number };
  /** Somebody is sent away because too many wait. */
  overrun(address: string): Refused;
}

/** As many may wait as handshakes may be under way: more would have to wait for longer than their programs do. */
export function inTurn(node: Doorstep, app: Answerer): Answerer {
  const { turnstile, limits } = node;
  return {
    async fetch(request, bindings) {
      // Pages, metrics and probes of health wait, too, but who asks for them is not a crowd.
      if (turnstile.waiting >= limits.handshakes && request.url.includes("/v1/connect/")) {
        return refusal(node.overrun(bindings.address ?? ""));
      }
      await new Promise<void>(turnstile.pass);
      return app.fetch(request, { ...bindings, waited: true });
    },
  };
}
