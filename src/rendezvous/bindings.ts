/** What an adapter hands to the routes beside the request. */
import type { Admission } from "./admission.ts";

/**
 * Turns the request that is being answered into a WebSocket for `admission`, and returns
 * the response that the runtime wants for that. `undefined`: it did not work.
 */
export type Upgrade = (admission: Admission) => Response | undefined;

/** What an adapter passes beside the request, as Hono bindings. */
export interface NodeBindings {
  upgrade?: Upgrade;
  /** The stranger's address. */
  address?: string;
  /** It waited for its turn before it came to the routes. */
  waited?: boolean;
}

/** Answers requests: the node's app, or the one it is mounted in. */
export interface Answerer {
  fetch(request: Request, bindings: NodeBindings): Response | Promise<Response>;
}

/** The environment of the routes. */
export interface NodeApp {
  Bindings: NodeBindings;
}
