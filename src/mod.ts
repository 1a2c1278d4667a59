/**
 * **waymeet**: programs find each other by key instead of by address, talk at once
 * through a relay that cannot read what they say, and lose no message.
 *
 * @example
 * ```ts ignore
 * import { Peer } from "waymeet";
 *
 * await using peer = await Peer.open({ nodes: ["wss://meet.example.org"] });
 * await using link = await peer.dial(friendId);
 * await link.send("hello"); // resolves when the other process has it
 * ```
 *
 * This entry serves browsers and workerd, which have a good `WebSocket`.
 *
 * @module
 */
import { pageChanges } from "./browser/page_changes.ts";
import { loadWebRtc } from "./path/rtc_web.ts";
import { Peer as CorePeer } from "./peer/peer.ts";
import type { Platform } from "./peer/platform.ts";
import { connectWith, type WebSocketConstructor } from "./session/web_socket.ts";
import { AGENT } from "./wire/version.ts";

export * from "./sdk.ts";
export { ownTab } from "./browser/tab_owner.ts";
export {
  browserIdentities,
  type BrowserIdentity,
  browserKeyStore,
  forgetBrowserIdentity,
} from "./identity/browser_keys.ts";

/** A program's presence in a network. See the examples of the package. */
export class Peer extends CorePeer {
  protected static override platform: Platform = {
    name: AGENT,
    connect: (url, handlers) => connectWith(WebSocket as unknown as WebSocketConstructor)(url, handlers),
    rtc: loadWebRtc,
    changes: pageChanges,
  };
}
