/**
 * Requests wait for their turn before anything is made of them: routing a thousand of them would hold up each word
 * of those who have a session, as upgrading them would. Who cannot come in anyway does not wait among those who
 * may, but is told by and by as well: Bun hears nobody else while there are connections to accept, and an answer,
 * which hangs up, takes longer than a flood needs for the next connection.
 *
 * @module
 */
import { plainAddress, refusal, type Refused } from "./app.ts";
import { AddressCounts } from "./address_counts.ts";
import type { Answerer, NodeBindings } from "./bindings.ts";
import type { Clock } from "../session/clock.ts";
import { Turnstile } from "./turnstile.ts";

/**
 * Requests that come in, and requests that are turned away, in one turn of the event loop: some 0.1 ms each. With 16
 * words of peers took 18 ms (p99) in a flood on Bun, with 8 they took 14, and as many strangers were served.
 */
const PER_TURN = 8;

/** Where strangers wait for their turn. */
export class Door {
  readonly entrance: Turnstile;
  /** By which those leave who are turned away, so that nobody waits for them. */
  readonly exit: Turnstile;

  constructor(clock: Clock, perTurn: number = PER_TURN) {
    this.entrance = new Turnstile(clock, perTurn);
    this.exit = new Turnstile(clock, perTurn);
  }
}

/** Those who wait at the door, and how many of them come from where the next one does. */
export interface Crowd {
  waiting: number;
  fromThere: number;
}

/** A node, as far as those before its door see it. */
export interface Doorstep {
  readonly door: Door;
  /** Why nobody from there can come in now; counted. */
  turnsAway(address: string, crowd: Crowd): Refused | undefined;
}

/** `app`, to which a few come in each turn of the event loop. */
export function inTurn(node: Doorstep, app: Answerer): Answerer {
  const { entrance, exit } = node.door;
  const from = new AddressCounts();
  const answer = async (request: Request, bindings: NodeBindings): Promise<Response> => {
    const { address = "" } = bindings;
    from.enter(address);
    await new Promise<void>((resolve) =>
      entrance.pass(() => {
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
      const refused = node.turnsAway(address, { waiting: entrance.waiting, fromThere: from.of(address) });
      if (refused === undefined) return answer(request, bindings);
      return new Promise((resolve) => exit.pass(() => resolve(refusal(refused))));
    },
  };
}
