import type { Link, SendOptions } from "../link/link.ts";
import type { Delivery } from "../link/outgoing.ts";
import type { Posted } from "../link/posted.ts";
import { WaymeetError } from "../wire/error.ts";

/** Links that the other side may end under one message before this gives up: each takes it a round trip. */
const TRIES = 4;

/**
 * Sends one message by a link of which nothing is known but that it is there. The other side may be
 * ending it, its own message being delivered: who answers at once would fail each time. What it had
 * not acknowledged when it said goodbye it did not take, so the message goes again by another link.
 */
export async function sendOne(
  reach: () => Promise<Link>,
  data: Uint8Array | string,
  options: SendOptions,
): Promise<Delivery> {
  for (let tries = 1;; tries++) {
    const link = await reach();
    let left = false;
    link.addEventListener("close", ({ by }) => left = by === "remote");
    let failed: Posted | undefined;
    const onStatus = (posted: Posted) => {
      if (posted.status === "failed") failed = posted;
      else options.onStatus?.(posted);
    };
    try {
      return await link.send(data, { ...options, onStatus });
    } catch (error) {
      if (left && tries < TRIES && error instanceof WaymeetError && error.code === "closed") continue;
      if (failed) options.onStatus?.(failed);
      throw error;
    } finally {
      void link.close();
    }
  }
}
