/**
 * Where a peer is moored: a home session and, when it knows more than one node, a warm
 * standby at another, through which links go on at once when home is lost. The record
 * names both, home first. They change places when the standby is clearly the nearer one,
 * and a third node that is nearer than the standby takes its place.
 *
 * @module
 */
import type { Decision } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { compareBytes } from "../wire/cbor.ts";
import { encodePublish } from "../wire/frames.ts";
import { RECORD_REFRESH } from "../wire/limits.ts";
import { type Control, type Found, type Hello, type Key, Reason, UNASKED } from "../wire/protocol.ts";
import type { Plane } from "../link/planes.ts";
import { Anchor } from "./anchor.ts";
import type { Foretold } from "./foretold.ts";
import { Sounding } from "./sounding.ts";
import { NodeList } from "./node_list.ts";
import type { Settings } from "./options.ts";
import type { Passport } from "./passport.ts";
import type { Platform } from "./platform.ts";
import {
  favoursStandby,
  favoursThird,
  type RankingEvent,
  rankingStep,
  UNRANKED,
  wantsThird,
} from "./ranking.ts";
import { Scouting } from "./scouting.ts";

/**
 * Milliseconds within which peers that were told of a node go there: it told all of its peers
 * at once, and those without a standby would come to the newcomer together.
 */
const SPREAD = 2_000;

export interface MooringEvents {
  /** What may go along with the first auth. */
  readonly foretold: Foretold;
  /** A session is ready: the first, the standby, or one that came back; or the standby is home now. */
  up(session: Session, url: string, plane: Plane, change: "connected" | "promoted"): void;
  down(end: SessionEnd, url: string, plane: Plane, decision: Decision): void;
  /** No session will come any more. */
  stopped(end: SessionEnd, url: string): void;
  data(source: Key, packet: Uint8Array, plane: Plane): void;
  control(frame: Control, plane: Plane): void;
}

export class Moorings {
  readonly #settings: Settings;
  readonly #passport: Passport;
  readonly #events: MooringEvents;
  #home: Anchor;
  #standby: Anchor | undefined;
  readonly #random: () => number;
  readonly #nodes: NodeList;
  #ranking = UNRANKED;
  #promoting = false;
  /** The node that each anchor is, or is about to be, at. */
  readonly #claims = new Map<Anchor, Key>();
  readonly #sounding: Sounding<Session>;
  readonly #scouting: Scouting;
  /** A nearer node, for the standby to go to next. */
  #nearer: string | undefined;
  #refresh: (() => void) | undefined;
  readonly #platform: Platform;
  #unwatch: (() => void) | undefined;
  #rouse: (() => void) | undefined;
  #closed = false;

  constructor(settings: Settings, platform: Platform, passport: Passport, events: MooringEvents) {
    this.#settings = settings;
    this.#platform = platform;
    this.#passport = passport;
    this.#events = events;
    const { nodes: own, learn, identity, random } = settings;
    this.#random = () => random(1)[0]! / 256;
    this.#nodes = new NodeList({ own, learn, id: identity.id, random: this.#random });
    this.#sounding = new Sounding(
      settings.clock,
      (session) => session.close(Reason.pingTimeout, "this node was silent while the other one answered"),
    );
    this.#scouting = new Scouting(settings, platform, passport, this.#scoutingHost());
    const anchor = () => new Anchor(settings, platform, passport, this.#anchorEvents());
    this.#home = anchor();
    this.#standby = settings.standby ? anchor() : undefined;
  }

  /** The session that packets take unless there is a reason for the other. */
  get session(): Session | undefined {
    return this.#home.session ?? this.#standby?.session;
  }

  /** Sessions that are ready, home first, with the URLs of their nodes. */
  get sessions(): { session: Session; url: string; plane: Plane }[] {
    return this.#anchors.flatMap(({ session, url }, i) =>
      session ? [{ session, url: url!, plane: i === 0 ? "home" as const : "standby" as const }] : []
    );
  }

  /** The session of a plane, or the other when that one is down. */
  by(plane: Plane): Session | undefined {
    return (plane === "home" ? undefined : this.#standby?.session) ?? this.session;
  }

  /** The node that packets of this plane travel through. */
  urlOf(plane: Plane): string {
    const session = this.by(plane);
    return this.#anchors.find((anchor) => anchor.session === session)?.url ?? this.#home.url ?? "";
  }

  /** How many nodes there are to try. */
  get known(): number {
    return this.#nodes.size;
  }

  get #anchors(): Anchor[] {
    return this.#standby ? [this.#home, this.#standby] : [this.#home];
  }

  dial(): void {
    this.#refreshLater();
    this.#unwatch = this.#platform.changes?.((change) => {
      for (const anchor of this.#anchors) anchor.changed(change);
    });
    for (const anchor of this.#anchors) anchor.dial();
    if (this.#standby) this.#scouting.begin();
  }

  /** A link waits for an answer in vain: one of the sessions may have died without a word. */
  doubt(): void {
    this.#sounding.begin(() => this.sessions.map(({ session }) => session));
  }

  /** Says bye everywhere; nothing is dialled any more. */
  close(reason: number): void {
    this.#closed = true;
    this.#sounding.stop();
    this.#scouting.stop();
    this.#refresh?.();
    this.#unwatch?.();
    this.#rouse?.();
    for (const anchor of this.#anchors) anchor.close(reason);
  }

  #anchorEvents() {
    return {
      choose: (anchor: Anchor, left: string | undefined) => this.#choose(anchor, left),
      introduce: (anchor: Anchor, hello: Hello, found: Found[]) => this.#introduce(anchor, hello, found),
      sought: () => this.#events.foretold.sought,
      up: (anchor: Anchor) => this.#up(anchor),
      measured: (anchor: Anchor, rtt: number) => {
        this.#sounding.heard(anchor.session!);
        this.#measured(this.#planeOf(anchor), rtt);
      },
      down: (anchor: Anchor, end: SessionEnd, decision: Decision) => this.#down(anchor, end, decision),
      data: (anchor: Anchor, source: Key, packet: Uint8Array) => {
        this.#sounding.heard(anchor.session!);
        this.#events.data(source, packet, this.#planeOf(anchor));
      },
      control: (anchor: Anchor, frame: Control) => {
        this.#sounding.heard(anchor.session!);
        this.#control(anchor, frame);
      },
    };
  }

  #scoutingHost() {
    return {
      candidates: () => {
        const [home, standby] = [this.#home, this.#standby];
        if (!home.session || !standby?.session || !wantsThird(this.#ranking)) return [];
        return this.#nodes.candidates(home.url).filter((url) => url !== standby.url);
      },
      claim: (anchor: Anchor, node: Key) => this.#claim(anchor, node),
      release: (anchor: Anchor) => void this.#claims.delete(anchor),
      data: (source: Key, packet: Uint8Array) => this.#events.data(source, packet, "home"),
      measured: (url: string, rtts: readonly number[]) => this.#scouted(url, rtts),
    };
  }

  #scouted(url: string, rtts: readonly number[]): void {
    const standby = this.#standby;
    if (!standby?.session || !favoursThird(this.#ranking, rtts, this.#settings.clock.now())) return;
    // What waits in its socket would be lost with it for a while.
    if (standby.session.buffered > 0) return;
    this.#nearer = url;
    standby.giveUp("another node is nearer");
  }

  #planeOf(anchor: Anchor): Plane {
    return anchor === this.#home ? "home" : "standby";
  }

  /** The next URL that this anchor may use beside what the other one does. */
  #choose(anchor: Anchor, left: string | undefined): string | undefined {
    const free = this.#nodes.candidates(this.#otherOf(anchor)?.url);
    const nearer = this.#nearer;
    this.#nearer = undefined;
    if (nearer !== undefined && anchor === this.#standby && free.includes(nearer)) return nearer;
    const current = left ?? anchor.url;
    if (left === undefined && current !== undefined && free.includes(current)) return current;
    const at = current === undefined ? -1 : free.indexOf(current);
    return free[(at + 1) % free.length];
  }

  #otherOf(anchor: Anchor): Anchor | undefined {
    return this.#anchors.find((other) => other !== anchor);
  }

  /** What a node says of others may be what an anchor waits for. */
  #learn(teller: string, urls: readonly string[]): void {
    this.#nodes.learn(teller, urls);
    if (!this.#closed) this.#dialIdle();
  }

  #dialIdle(): void {
    for (const anchor of this.#anchors) if (anchor.idle) anchor.dial();
  }

  #control(anchor: Anchor, frame: Control): void {
    if (frame.kind === "found" && frame.request === UNASKED) return void this.#outdo(frame);
    if (frame.kind !== "nodes") return this.#events.control(frame, this.#planeOf(anchor));
    this.#nodes.learn(anchor.url!, frame.nodes);
    this.#rouse ??= this.#settings.clock.after(this.#random() * SPREAD, () => {
      this.#rouse = undefined;
      this.#dialIdle();
    });
  }

  /** The record leaves with the auth, so that whoever looks us up from now on finds us. */
  async #introduce(anchor: Anchor, hello: Hello, found: Found[]): Promise<Uint8Array[]> {
    this.#passport.startedBy(hello);
    if (!this.#claim(anchor, hello.node)) return [];
    const others = this.sessions.filter(({ session }) => session !== anchor.session);
    const keys = others.map(({ session }) => session.remoteKey);
    const nodes = anchor === this.#home ? [hello.node, ...keys] : [...keys, hello.node];
    const publish = encodePublish(await this.#passport.sign(nodes));
    return [publish, ...await this.#events.foretold.introduce(found)];
  }

  /** One node under two names: a second session would take the seat of the first. */
  #claim(anchor: Anchor, node: Key): boolean {
    const [holder] =
      [...this.#claims].find(([other, key]) => other !== anchor && compareBytes(key, node) === 0) ?? [];
    if (holder === undefined) this.#claims.set(anchor, node);
    else {
      if (this.#anchors.includes(holder)) this.#nodes.forget(anchor.url!); // not for who only looks around there
      anchor.giveUp("this node holds another session already");
    }
    return holder === undefined;
  }

  #up(anchor: Anchor): void {
    if (anchor === this.#standby && !this.#home.session) this.#swap();
    this.#events.foretold.moored();
    this.#events.up(anchor.session!, anchor.url!, this.#planeOf(anchor), "connected");
    // The other node's record does not name this one yet.
    if (this.sessions.length > 1) void this.#publish();
    this.#refreshLater();
    this.#learn(anchor.url!, anchor.session?.welcome?.nodes ?? []);
  }

  #down(anchor: Anchor, end: SessionEnd, decision: Decision): void {
    const plane = this.#planeOf(anchor);
    this.#claims.delete(anchor);
    this.#rank({ type: "lost", plane });
    if (plane === "home" && this.#standby?.session) this.#swap();
    if (decision.type === "stop") return this.#stop(anchor, end, plane, decision.why);
    const { url } = anchor;
    this.#learn(url!, end.nodes);
    this.#lost(end, url!, plane, decision);
  }

  #lost(end: SessionEnd, url: string, plane: Plane, decision: Decision): void {
    this.#events.down(end, url, plane, decision);
    if (plane === "home" && end.wasReady) this.#promoted();
    if (this.session) void this.#publish();
  }

  /**
   * Turned away for good by this node, or its attempts are used up: the other anchor goes
   * on, ready or not, and this one where a node is left. Replaced, it ends everywhere; so it
   * does without a node of its configuration. What a learned node says counts for that node.
   */
  #stop(anchor: Anchor, end: SessionEnd, plane: Plane, why: "reason" | "attempts"): void {
    const url = anchor.url!;
    const other = this.#otherOf(anchor)?.idle === false ? this.#otherOf(anchor) : undefined;
    const own = this.#nodes.isOwn(url);
    if (why === "reason") this.#nodes.refuse(url);
    const free = why === "reason" && this.#nodes.candidates(other?.url).length > 0;
    const over = own && (end.reason === Reason.replaced || !this.#nodes.anyOwn);
    if (over || !(free || other)) return this.#events.stopped(end, url);
    this.#lost(end, url, plane, { type: "stop", why, end });
    if (this.#closed) return;
    if (free) anchor.dial(url);
    else this.#retire(anchor, why);
  }

  /** Without a node to go to; one that is told of later is welcome, unless the attempts are used up. */
  #retire(anchor: Anchor, why: "reason" | "attempts"): void {
    if (anchor === this.#home) this.#swap();
    if (why === "attempts") this.#standby = undefined;
    else anchor.rest();
  }

  #swap(): void {
    [this.#home, this.#standby] = [this.#standby!, this.#home];
    this.#rank({ type: "swapped" });
  }

  #rank(event: RankingEvent): void {
    this.#ranking = rankingStep(this.#ranking, event, this.#settings.clock.now());
  }

  #measured(plane: Plane, rtt: number): void {
    this.#rank({ type: "measured", plane, rtt });
    if (this.#promoting || !favoursStandby(this.#ranking, this.#settings.clock.now())) return;
    // What waits in a socket would be overtaken by what is sent after it.
    if (this.sessions.some(({ session }) => session.buffered > 0)) return;
    void this.#promote();
  }

  /** The standby becomes home: all nodes are told before anything changes here, and both sessions stay. */
  async #promote(): Promise<void> {
    const before = this.sessions;
    this.#promoting = true;
    const told = await this.#publish(before.toReversed());
    this.#promoting = false;
    const after = this.sessions;
    // What happened meanwhile has been published in its turn.
    if (!told || before.some(({ session }, i) => after[i]?.session !== session)) return;
    this.#swap();
    this.#promoted();
  }

  #promoted(): void {
    const { session, url } = this.#home;
    if (session) this.#events.up(session, url!, "home", "promoted");
  }

  /**
   * A key that cannot be used now (one in a device, say) leaves the record as it is until the
   * next refresh; then false.
   */
  async #publish(sessions: readonly { session: Session }[] = this.sessions): Promise<boolean> {
    const signed = await this.#passport.sign(sessions.map(({ session }) => session.remoteKey)).catch(() =>
      undefined
    );
    if (this.#closed || !signed) return false;
    for (const { session } of this.sessions) session.send(encodePublish(signed));
    return true;
  }

  /** An earlier process of this key said a later start: nobody would find this one before its record expires. */
  async #outdo({ record }: Found): Promise<void> {
    if (record && await this.#passport.outdo(record) && !this.#closed) await this.#publish();
  }

  #refreshLater(): void {
    this.#refresh?.();
    this.#refresh = this.#settings.clock.after(RECORD_REFRESH, () => {
      void this.#publish(); // without a session for those who are nearby
      this.#refreshLater();
    });
  }
}
