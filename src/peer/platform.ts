import type { Neighbourhood } from "../path/local.ts";
import type { PathsOwner } from "../path/paths.ts";
import type { PathSource } from "../path/port.ts";
import type { LoadRtc } from "../path/rtc.ts";
import type { Connect } from "../session/socket.ts";

/** What the SDK needs from where it runs, beyond Web standards. */
export interface Platform {
  connect: Connect;
  /** For the user agent: `bun/1.4.5`, `browser`. */
  name: string;
  /** Where peers are found without a network, best first. Default: this process, and BroadcastChannel. */
  neighbourhoods?: Neighbourhood[];
  /** WebRTC for direct paths; without, there are none. */
  rtc?: LoadRtc;
  /** Finds direct paths in place of attempts with {@link Platform.rtc}; for simulators. */
  paths?: (owner: PathsOwner) => PathSource;
}
