import type { Neighbourhood } from "../path/local.ts";
import type { PathsOwner } from "../path/paths.ts";
import type { PathSource } from "../path/port.ts";
import type { LoadRtc } from "../path/rtc.ts";
import type { Connect } from "../session/socket.ts";

/**
 * What a platform may learn of its network and of the program's own sleep:
 *
 * - `offline`: there is no network. Dialling is of little use, and sessions show by themselves whether they live.
 * - `online`: there is one, maybe another than before.
 * - `woke`: the program did not run for a while, so it cannot know what became of its sessions.
 * - `leaving`: the program may end any moment without another word (a page that is left).
 * - `returned`: it did not end.
 */
export type Change = "offline" | "online" | "woke" | "leaving" | "returned";

/**
 * Tells of changes until the returned function is called. MUST NOT keep the process alive.
 * A program that begins without a network MUST be told so before this returns.
 */
export type WatchChanges = (tell: (change: Change) => void) => () => void;

/** What the SDK needs from where it runs, beyond Web standards. */
export interface Platform {
  connect: Connect;
  /** For the user agent: `bun/1.4.5`, `browser`. */
  name: string;
  /** Without, only the sessions show what happens to the network. */
  changes?: WatchChanges;
  /** Where peers are found without a network, best first. Default: this process, and BroadcastChannel. */
  neighbourhoods?: Neighbourhood[];
  /** WebRTC for direct paths; without, there are none. */
  rtc?: LoadRtc;
  /** Finds direct paths in place of attempts with {@link Platform.rtc}; for simulators. */
  paths?: (owner: PathsOwner) => PathSource;
}
