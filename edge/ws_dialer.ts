/**
 * Dials other nodes with the npm package `ws`, on Node and Deno.
 *
 * @module
 */
import type { Connect } from "../src/session/socket.ts";
import { dialerOf } from "../src/session/ws.node.ts";

/** Within 5 s, so that the next node is tried soon. */
export const connect: Connect = dialerOf(5_000);
