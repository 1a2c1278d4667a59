import type { Identity } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Message } from "../link/message.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import { signAnnouncement, type TopicKey, topicKey } from "../wire/announcement.ts";
import { WaymeetError } from "../wire/error.ts";
import { encodeAnnounce, encodeWithdraw } from "../wire/frames.ts";
import { RECORD_LIFETIME, RECORD_REFRESH } from "../wire/limits.ts";
import { Reason, type Roster, type TopicMember } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { unlessAborted } from "./standstill.ts";
import { Topic, type TopicHost } from "./topic.ts";

/** Milliseconds a node has to answer an announcement. */
const PATIENCE = 10_000;
/** Milliseconds before an announcement is repeated that came too soon after others. */
const ASK_AGAIN = 5_000;

export interface TopicOptions {
  name: string;
  /** Known to the members as well: without one, whoever guesses the name is a member. */
  secret?: string;
}

/** A topic that this peer is in, or wants to be. */
interface Joined {
  topic: Topic;
  key: TopicKey;
  announcement: Uint8Array;
  /** Sessions that have it, and whether they were asked to tell. */
  sent: Map<Session, boolean>;
  answered: (error?: WaymeetError) => void;
  /** Stops the wait before it is announced again. */
  rest?: () => void;
}

/** The topics of a peer: announced through all its sessions, told of by the first. */
export class Topics {
  readonly #host: Omit<TopicHost, "left">;
  readonly #identity: Identity;
  readonly #network: string;
  readonly #joined = new Map<string, Joined>();
  #sessions: Session[] = [];
  #refresh: (() => void) | undefined;

  /** `host.clock.wall` stamps the announcements. */
  constructor(identity: Identity, network: string, host: Omit<TopicHost, "left">) {
    this.#identity = identity;
    this.#network = network;
    this.#host = host;
  }

  get #clock(): Clock {
    return this.#host.clock;
  }

  async join({ name, secret = "" }: TopicOptions, signal?: AbortSignal): Promise<Topic> {
    const key = await topicKey(this.#network, name, secret);
    const { id } = key.identity;
    if (this.#joined.has(id)) {
      throw new TypeError("this peer is in that topic: use what the first join returned");
    }
    const topic = new Topic(name, key, { ...this.#host, left: () => this.#left(id) });
    const answered = resolvers();
    const settle = (error?: WaymeetError) => error ? answered.reject(error) : answered.resolve();
    const joined = { topic, key, announcement: NOTHING, sent: new Map(), answered: settle };
    this.#joined.set(id, joined);
    const cancel = this.#clock.after(PATIENCE, () => settle(late()));
    try {
      await this.#sign(joined);
      this.#announce(joined);
      this.#refreshLater();
      await unlessAborted(answered.promise, signal);
      return topic;
    } catch (error) {
      await topic.leave();
      throw error;
    } finally {
      cancel();
      joined.answered = (error) => error && topic.refused(error);
    }
  }

  /** These are the sessions now, home first. */
  attach(sessions: Session[]): void {
    const moved = sessions[0] !== this.#sessions[0];
    this.#sessions = sessions;
    for (const joined of this.#joined.values()) {
      if (moved) joined.topic.unheard();
      this.#announce(joined);
    }
  }

  hear(frame: Roster | TopicMember): void {
    const joined = this.#joined.get(peerIdText(frame.topic));
    if (!joined) return;
    if (frame.kind === "member") return joined.topic.member(peerIdText(frame.peer), frame.present);
    if (frame.reason === Reason.rateLimited) return this.#askAgain(joined);
    if (frame.reason !== Reason.none) return joined.answered(refusal(frame.reason));
    joined.topic.roster(frame.peers.map(peerIdText), frame.size);
    joined.answered();
  }

  /** A message with this proof came over a link. Without a topic that it proves, it is nobody's. */
  said(message: Message, tag: Uint8Array): void {
    const from = peerIdBytes(message.from);
    for (const { topic } of this.#joined.values()) if (topic.proves(from, tag)) return topic.said(message);
  }

  close(): void {
    this.#refresh?.();
    for (const { topic, answered } of [...this.#joined.values()]) {
      answered(new WaymeetError("closed", "the peer was closed"));
      void topic.leave();
    }
  }

  #left(id: string): void {
    const joined = this.#joined.get(id);
    joined?.rest?.();
    this.#joined.delete(id);
    if (this.#joined.size === 0) this.#refresh?.();
    const frame = encodeWithdraw(peerIdBytes(id as PeerId));
    for (const session of joined?.sent.keys() ?? []) session.send(frame);
  }

  async #sign(joined: Joined): Promise<void> {
    const issued = Math.floor(this.#clock.wall());
    const fields = { issued, expires: issued + RECORD_LIFETIME, network: this.#network };
    joined.announcement = await signAnnouncement(joined.key.identity, this.#identity, fields);
    joined.sent.clear();
  }

  /** To each session that has not got it yet; the first is asked to tell who else is there. */
  #announce(joined: Joined): void {
    if (joined.announcement === NOTHING) return;
    const before = joined.sent;
    joined.sent = new Map();
    this.#sessions.forEach((session, i) => {
      const tells = i === 0;
      if (before.get(session) !== tells) session.send(encodeAnnounce(joined.announcement, tells));
      joined.sent.set(session, tells);
    });
  }

  #askAgain(joined: Joined): void {
    joined.rest?.();
    joined.rest = this.#clock.after(ASK_AGAIN, () => {
      joined.sent.clear();
      this.#announce(joined);
    });
  }

  #refreshLater(): void {
    this.#refresh?.();
    this.#refresh = this.#clock.after(RECORD_REFRESH, () => {
      this.#refreshLater();
      for (const joined of this.#joined.values()) {
        // A key that cannot be used now leaves the announcement as it is until the next time.
        this.#sign(joined).then(() => this.#announce(joined), () => {});
      }
    });
  }
}

const NOTHING = new Uint8Array();

function resolvers() {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}

function late(): WaymeetError {
  return new WaymeetError("node-unreachable", `no node answered within ${PATIENCE} ms: does it know topics?`);
}

function refusal(reason: Reason): WaymeetError {
  const code = reason === Reason.overQuota ? "over-quota" : "refused";
  return new WaymeetError(code, `the node does not take the announcement: ${reasonName(reason)}`);
}
