import type { LoadRtc } from "../path/rtc.ts";
import type { PathHost } from "../path/port.ts";
import { Punching } from "../path/punching.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { iceServers } from "../session/ice_servers.ts";
import { compareBytes } from "../wire/cbor.ts";
import { encodeAttemptFrame } from "../wire/frames.ts";
import type { AttemptFromNode } from "../wire/attempt_protocol.ts";
import type { Control } from "../wire/protocol.ts";
import type { Moorings } from "./moorings.ts";
import type { Settings } from "./options.ts";

/** Attempts of a peer to open direct paths, through the nodes where it is moored. */
export function punchingOf(
  { identity, clock, direct, hidesHosts }: Settings,
  load: LoadRtc,
  moorings: Moorings,
  host: (peer: PeerId) => PathHost | undefined,
): Punching {
  return new Punching({
    key: identity.publicKey,
    clock,
    load,
    policy: direct,
    hidesHosts,
    host,
    iceServers: () => {
      const welcome = moorings.session?.welcome;
      return welcome ? iceServers(welcome, clock.wall()) : [];
    },
    broker: () => moorings.session?.remoteKey,
    say: (frame, broker) => {
      const { sessions } = moorings;
      const own = sessions.find(({ session }) => compareBytes(session.remoteKey, broker) === 0);
      // An attempt is asked of the node that was chosen for it; all else any node passes on.
      const way = own ?? (frame.kind === "attempt" ? undefined : sessions[0]);
      way?.session.send(encodeAttemptFrame(frame));
    },
  });
}

const FROM_BROKER: ReadonlySet<string> = new Set(["granted", "denied", "invite", "start", "outcome"]);

/** Whether a frame of a node is about an attempt. */
export function isFromBroker(frame: Control): frame is AttemptFromNode {
  return FROM_BROKER.has(frame.kind);
}
