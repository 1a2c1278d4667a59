/**
 * Presence among the sessions of a node: what others tell is verified first, the frames
 * of one session in their order, and what is to be told is encoded once.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { Presence } from "../mesh/presence.ts";
import { PresenceBatch, SPREAD_DELAY } from "../mesh/presence_batch.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import type {
  Announced,
  PresenceEffect,
  Told,
  TopicVerdicts,
  Verdict,
  Verdicts,
} from "../mesh/presence_types.ts";
import type { TopicChange } from "../mesh/topic_index.ts";
import { verifyAnnouncement } from "../wire/announcement.ts";
import { encodeDigest, encodePresence } from "../wire/frames.ts";
import type { Digest, PresenceDelta } from "../wire/mesh_protocol.ts";
import { type PeerRecord, Reason, type SignedBytes } from "../wire/protocol.ts";
import { verifyRecord } from "../wire/record.ts";
import type { MeshCounts } from "./mesh_options.ts";

/** Frames of one session that may wait for verification; what is dropped is asked for again. */
const MAX_WAITING = 256;
/** Frames that no honest node would have passed on, after which the session ends. */
const MAX_BLAMES = 3;

/** Another node, as far as presence has to do with it. */
export interface PresenceLink {
  readonly remote: PeerId;
  readonly state: "greeting" | "greeted" | "over";
  /** How often it sent what an honest node would not. */
  blames: number;
  readonly session: Pick<Session, "send" | "close">;
}

export interface MeshPresenceOptions {
  id: PeerId;
  epoch: number;
  network: string;
  clock: Clock;
  counts: MeshCounts;
  link: (node: PeerId) => PresenceLink | undefined;
  /** Sends one frame to all of these. Default: over the link of each. */
  give?: (to: readonly PeerId[], frame: Uint8Array) => void;
  /** Whether a node may be a place. */
  admits: (origin: PeerId) => boolean;
  /** Whether a neighbour gets the changes of `origin` from here. */
  passesOn: (origin: PeerId, neighbour: PeerId) => boolean;
  /** Of a peer of this node another process is known that says it is newer; `lost`: it is at no node. */
  superseded: (peer: PeerId, newest: Told, lost: boolean) => void;
  /** A watched peer is at this node first now, or at no node any more. */
  moved: (peer: PeerId, node: PeerId | undefined) => void;
  /** Somebody came to a topic, or left it. */
  member: (change: TopicChange) => void;
  /** This node was known under a greater epoch. */
  outbid: (epoch: number) => void;
}

type Verified = Map<Uint8Array, Awaited<ReturnType<typeof verifyAnnouncement>>>;

interface Waiting {
  count: number;
  last: Promise<void>;
}

export class MeshPresence {
  readonly presence: Presence;
  readonly #o: MeshPresenceOptions;
  readonly #waiting = new Map<PresenceLink, Waiting>();
  readonly #batch = new PresenceBatch();
  #stop: (() => void) | undefined;

  constructor(options: MeshPresenceOptions) {
    const { id: node, epoch, network, admits, passesOn } = options;
    this.#o = options;
    this.presence = new Presence({ node, epoch, network, admits, passesOn });
  }

  /** A peer's record was verified and kept. */
  here(peer: PeerId, record: PeerRecord, signed: SignedBytes): void {
    const { effects, refused } = this.presence.here(record, signed, this.#o.clock.wall());
    this.perform(effects);
    if (refused === undefined) return;
    this.#o.counts.refused(refused);
    if (refused === "older") this.#superseded(peer);
  }

  tell(): void {
    if (this.#stop !== undefined) this.#flush();
  }

  gone(peer: PeerId): void {
    this.perform(this.presence.gone(peer, this.#o.clock.wall()));
  }

  /** Nothing is sent any more, unless something happens. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** All topics that a peer here is in. */
  announce(peer: PeerId, topics: readonly Announced[]): void {
    this.perform(this.presence.announce(peer, topics, this.#o.clock.wall()));
  }

  tick(): void {
    this.perform(this.presence.tick(this.#o.clock.wall()));
  }

  /** In the order of their session, also while records of earlier frames are verified. */
  hear(link: PresenceLink, frame: PresenceDelta | Digest): void {
    const waiting = this.#waiting.get(link);
    if (waiting === undefined && this.#needsNothing(frame)) {
      return this.#take(link, frame, new Map(), new Map());
    }
    const line = waiting ?? { count: 0, last: Promise.resolve() };
    if (line.count >= MAX_WAITING) return this.#o.counts.refused("flood");
    line.count++;
    this.#waiting.set(link, line);
    line.last = line.last.then(() => this.#verify(link, frame)).finally(() => {
      if (--line.count === 0) this.#waiting.delete(link);
    });
  }

  perform(effects: readonly PresenceEffect[]): void {
    for (const effect of effects) this.#perform(effect);
  }

  #needsNothing(frame: PresenceDelta | Digest): boolean {
    if (frame.kind === "digest") return true;
    const now = this.#o.clock.wall();
    const { presence } = this;
    return presence.unverified(frame, now).length + presence.unverifiedTopics(frame, now).length === 0;
  }

  async #verify(link: PresenceLink, frame: PresenceDelta | Digest): Promise<void> {
    const verdicts = new Map<SignedBytes, Verdict>();
    const topics: Verified = new Map();
    const { network, clock } = this.#o;
    const context = () => ({ network, now: clock.wall() });
    if (frame.kind === "presence") {
      await Promise.all([
        ...this.presence.unverified(frame, clock.wall()).map(async (signed) => {
          verdicts.set(signed, await verifyRecord(signed, context()));
        }),
        ...this.presence.unverifiedTopics(frame, clock.wall()).map(async (bytes) => {
          topics.set(bytes, await verifyAnnouncement(bytes, context()));
        }),
      ]);
    }
    if (link.state === "greeted") this.#take(link, frame, verdicts, topics);
  }

  #take(link: PresenceLink, frame: PresenceDelta | Digest, verdicts: Verdicts, topics: TopicVerdicts): void {
    const { presence } = this;
    const now = this.#o.clock.wall();
    if (frame.kind === "digest") this.perform(presence.answer(frame, link.remote, now));
    else this.perform(presence.apply(frame, link.remote, now, verdicts, topics));
  }

  #superseded(peer: PeerId): void {
    const newest = this.presence.newest(peer);
    if (newest) this.#o.superseded(peer, newest, this.presence.find(peer) === undefined);
  }

  #perform(effect: PresenceEffect): void {
    switch (effect.type) {
      case "send":
        return this.#send(effect.to, effect.frame);
      case "blame":
        return this.#blame(effect.neighbour, effect.why);
      case "member":
        return this.#o.member(effect.change);
      case "superseded":
        return this.#superseded(effect.peer);
      case "online":
      case "moved":
        return this.#o.moved(effect.peer, effect.nodes[0]);
      case "offline":
        return this.#o.moved(effect.peer, undefined);
      case "epoch":
        return this.#o.outbid(effect.epoch);
    }
  }

  #send(to: readonly PeerId[], frame: PresenceDelta | Digest): void {
    if (frame.kind === "presence") return this.#spread(to, frame);
    this.#flush(); // a digest tells of what was sent before
    this.#give(to, encodeDigest(frame));
  }

  #spread(to: readonly PeerId[], frame: PresenceDelta): void {
    this.#batch.add(to, frame);
    this.#stop ??= this.#o.clock.after(SPREAD_DELAY, () => this.#flush());
  }

  #flush(): void {
    this.stop();
    for (const { to, frame } of this.#batch.take()) this.#give(to, encodePresence(frame));
  }

  #give(to: readonly PeerId[], frame: Uint8Array): void {
    if (this.#o.give) return this.#o.give(to, frame);
    for (const node of to) this.#o.link(node)?.session.send(frame);
  }

  #blame(node: PeerId, why: string): void {
    this.#o.counts.refused(why);
    const link = this.#o.link(node);
    if (link && ++link.blames >= MAX_BLAMES) {
      link.session.close(Reason.protocolError, `passed on what nobody signed: ${why}`);
    }
  }
}
