/** Others, as the nodes tell of them: peers that are watched, and topics with their members. */
import type { Identity } from "../identity/identity.ts";
import type { PeerId } from "../identity/peer_id.ts";
import type { Plane } from "../link/planes.ts";
import type { Session } from "../session/session.ts";
import type { Control } from "../wire/protocol.ts";
import type { TopicHost } from "./topic.ts";
import { Topics } from "./topics.ts";
import { Watching } from "./watching.ts";

export class Company {
  readonly watching: Watching;
  readonly topics: Topics;

  constructor(identity: Identity, network: string, host: Omit<TopicHost, "left">) {
    this.watching = new Watching(host.clock);
    this.topics = new Topics(identity, network, host);
  }

  /** These are the sessions now, home first. */
  attach(sessions: { session: Session }[]): void {
    this.watching.attach(sessions[0]?.session);
    this.topics.attach(sessions.map(({ session }) => session));
  }

  /** Home alone is asked to tell; what another node still says is older. */
  hear(frame: Control, plane: Plane): void {
    if (plane !== "home") return;
    if (frame.kind === "sighting") this.watching.hear(frame);
    if (frame.kind === "roster" || frame.kind === "member") this.topics.hear(frame);
  }

  /**
   * Calls `seen` whenever a node tells that the peer came back or moved. What is told first is
   * how it was before: acting on that would ask in a circle while nodes differ.
   */
  lookOut(peer: PeerId, seen: () => void): () => void {
    const watch = this.watching.watch(peer, { patience: 0 });
    let known = watch.state !== "unknown";
    const news = (came: boolean) => () => {
      if (came && known) seen();
      known = true;
    };
    watch.addEventListener("offline", news(false));
    for (const type of ["online", "moved"] as const) watch.addEventListener(type, news(true));
    return () => watch.close();
  }

  close(): void {
    this.watching.close();
    this.topics.close();
  }
}
