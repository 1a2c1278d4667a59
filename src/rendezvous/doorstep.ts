/**
 * Requests wait for their turn before anything is made of them: routing a thousand of them would hold up each word
 * of those who have a session, as upgrading them would. Who cannot come in anyway is told before.
 *
 * @module
 */
import { plainAddress, refusal, type Refused } from "./app.ts";
import { AddressCounts } from "./address_counts.ts";
import type { Answerer, NodeBindings } from "./bindings.ts";
import type { Turnstile } from "./turnstile.ts";

/** Those who wait at the door, and how many of them come from where the next one does. */
export interface Crowd {
  waiting: number;
  fromThere: number;
}

/** A node, as far as those before its door see it. */
export interface Doorstep {
  readonly turnstile: Turnstile;
  /** Why nobody from there can come in now; counted. */
  turnsAway(address: string, crowd: Crowd): Refused | undefined;
}

/** `app`, to which a few come in each turn of the event loop. */
export function inTurn(node: Doorstep, app: Answerer): Answerer {
  const { turnstile } = node;
  const from = new AddressCounts();
  const answer = async (request: Request, bindings: NodeBindings): Promise<Response> => {
    const { address = "" } = bindings;
    from.enter(address);
    await new Promise<void>((resolve) =>
      turnstile.pass(() => {
        from.leave(address);
        resolve();
      })
    );
    return app.fetch(request, { ...bindings, waited: true });
  };
  return {
    fetch(request, bindings) {
      // Pages, metrics and probes of health wait, too, but who asks for them is not a crowd.
      if (!request.url.includes("/v1/connect/")) return answer(request, bindings);
      const address = plainAddress(bindings.address ?? "");
      const refused = node.turnsAway(address, { waiting: turnstile.waiting, fromThere: from.of(address) });
      return refused ? refusal(refused) : answer(request, bindings);
    },
  };
}
