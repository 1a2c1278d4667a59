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
}

/** The environment of the routes. */
export interface NodeApp {
  Bindings: NodeBindings;
}
