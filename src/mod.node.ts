/**
 * The SDK for Node and Deno: as `mod.ts`, but WebSockets come from the npm package `ws`
 * (Node 20 has none of its own; Deno's stalls 44 ms for each answer of 1–32 KiB).
 *
 * @module
 */
import { loadNodeDataChannel } from "./path/node_datachannel.ts";
import { Peer as CorePeer } from "./peer/peer.ts";
import type { Platform } from "./peer/platform.ts";
import { dialerOf } from "./session/ws.node.ts";
import { AGENT } from "./wire/version.ts";

export * from "./sdk.ts";

/** Milliseconds: a node far away, or waking up, may take a while. */
const HANDSHAKE_TIMEOUT = 10_000;

/** A program's presence in a network. See the examples of the package. */
export class Peer extends CorePeer {
  protected static override platform: Platform = {
    name: AGENT,
    connect: dialerOf(HANDSHAKE_TIMEOUT),
    rtc: loadNodeDataChannel,
  };
}
