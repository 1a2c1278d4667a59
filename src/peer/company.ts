/** Others, as the nodes tell of them: peers that are watched, and topics with their members. */
import type { Identity } from "../identity/identity.ts";
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

  close(): void {
    this.watching.close();
    this.topics.close();
  }
}
