/**
 * Where a peer is moored: a home session and, when it knows more than one node, a warm
 * standby at another, through which links go on at once when home is lost. The record
 * names both, home first.
 *
 * @module
 */
import type { Decision } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { compareBytes } from "../wire/cbor.ts";
import { encodePublish } from "../wire/frames.ts";
import { RECORD_REFRESH } from "../wire/limits.ts";
import { type Control, type Hello, type Key, Reason } from "../wire/protocol.ts";
import type { Plane } from "../link/planes.ts";
import { Anchor } from "./anchor.ts";
import type { Settings } from "./options.ts";
import type { Passport } from "./passport.ts";
import type { Platform } from "./platform.ts";

export interface MooringEvents {
  /** A session is ready: the first, the standby, or one that came back. */
  up(session: Session, url: string, plane: Plane): void;
  down(end: SessionEnd, url: string, plane: Plane, decision: Decision): void;
  /** No session will come any more. */
  stopped(end: SessionEnd, url: string): void;
  data(source: Key, packet: Uint8Array, plane: Plane): void;
  control(frame: Control, plane: Plane): void;
}

export class Moorings {
  private readonly settings: Settings;
  private readonly passport: Passport;
  private readonly events: MooringEvents;
  private home: Anchor;
  private standby: Anchor | undefined;
  /** URLs still worth dialling, in order of preference. */
  private urls: string[];
  /** The node that each anchor is, or is about to be, at. */
  private readonly claims = new Map<Anchor, Key>();
  private refresh: (() => void) | undefined;
  private closed = false;

  constructor(settings: Settings, platform: Platform, passport: Passport, events: MooringEvents) {
    this.settings = settings;
    this.passport = passport;
    this.events = events;
    this.urls = settings.nodes;
    const anchor = () => new Anchor(settings, platform, passport, this.anchorEvents());
    this.home = anchor();
    this.standby = this.urls.length > 1 ? anchor() : undefined;
  }

  /** The session that packets take unless there is a reason for the other. */
  get session(): Session | undefined {
    return this.home.session ?? this.standby?.session;
  }

  /** Sessions that are ready, home first, with the URLs of their nodes. */
  get sessions(): { session: Session; url: string; plane: Plane }[] {
    return this.anchors.flatMap(({ session, url }, i) =>
      session ? [{ session, url, plane: i === 0 ? "home" as const : "standby" as const }] : []
    );
  }

  /** The session of a plane, or the other when that one is down. */
  by(plane: Plane): Session | undefined {
    return (plane === "home" ? undefined : this.standby?.session) ?? this.session;
  }

  /** The node that packets of this plane travel through. */
  urlOf(plane: Plane): string {
    const session = this.by(plane);
    return this.anchors.find((anchor) => anchor.session === session)?.url ?? this.home.url;
  }

  private get anchors(): Anchor[] {
    return this.standby ? [this.home, this.standby] : [this.home];
  }

  dial(): void {
    this.refreshLater();
    for (const anchor of this.anchors) anchor.dial();
  }

  /** Says bye everywhere; nothing is dialled any more. */
  close(reason: number): void {
    this.closed = true;
    this.refresh?.();
    for (const anchor of this.anchors) anchor.close(reason);
  }

  private anchorEvents() {
    return {
      choose: (anchor: Anchor, left: { url: string; nodes: string[] } | undefined) =>
        this.choose(anchor, left),
      introduce: (anchor: Anchor, hello: Hello) => this.introduce(anchor, hello),
      up: (anchor: Anchor) => this.up(anchor),
      down: (anchor: Anchor, end: SessionEnd, decision: Decision) => this.down(anchor, end, decision),
      data: (anchor: Anchor, source: Key, packet: Uint8Array) =>
        this.events.data(source, packet, this.planeOf(anchor)),
      control: (anchor: Anchor, frame: Control) => this.events.control(frame, this.planeOf(anchor)),
    };
  }

  private planeOf(anchor: Anchor): Plane {
    return anchor === this.home ? "home" : "standby";
  }

  /** The next URL that the other anchor does not use. */
  private choose(anchor: Anchor, left: { url: string; nodes: string[] } | undefined): string {
    const taken = this.anchors.find((other) => other !== anchor)?.url;
    const current = left?.url ?? anchor.url;
    const free = this.urls.filter((url) => url !== taken);
    if (!left && free.includes(current)) return current;
    const at = free.indexOf(current);
    return free[(at + 1) % free.length] ?? current;
  }

  /** The record leaves with the auth, so that whoever looks us up from now on finds us. */
  private async introduce(anchor: Anchor, hello: Hello): Promise<Uint8Array[]> {
    this.passport.startedBy(hello);
    if (!this.claim(anchor, hello.node)) return [];
    const others = this.sessions.filter(({ session }) => session !== anchor.session);
    const keys = others.map(({ session }) => session.remoteKey);
    const nodes = anchor === this.home ? [hello.node, ...keys] : [...keys, hello.node];
    return [encodePublish(await this.passport.sign(nodes))];
  }

  /** One node under two names: a second session would take the seat of the first. */
  private claim(anchor: Anchor, node: Key): boolean {
    const taken = [...this.claims].some(([other, key]) => other !== anchor && compareBytes(key, node) === 0);
    if (taken) anchor.giveUp("this node holds the other session already");
    else this.claims.set(anchor, node);
    return !taken;
  }

  private up(anchor: Anchor): void {
    if (this.standby && anchor === this.standby && !this.home.session) this.swap();
    this.events.up(anchor.session!, anchor.url, this.planeOf(anchor));
    // The other node's record does not name this one yet.
    if (this.sessions.length > 1) void this.publish();
    this.refreshLater();
  }

  private down(anchor: Anchor, end: SessionEnd, decision: Decision): void {
    const plane = this.planeOf(anchor);
    this.claims.delete(anchor);
    if (anchor === this.home && this.standby?.session) this.swap();
    if (decision.type === "stop") return this.stop(anchor, end, plane, decision.why);
    this.events.down(end, anchor.url, plane, decision);
    if (this.session) void this.publish();
  }

  /**
   * Turned away for good by this node, or its attempts are used up: the other anchor goes
   * on, ready or not, and this one where a node is left. Replaced, it ends everywhere.
   */
  private stop(anchor: Anchor, end: SessionEnd, plane: Plane, why: "reason" | "attempts"): void {
    const other = this.anchors.find((each) => each !== anchor);
    if (why === "reason") this.urls = this.urls.filter((url) => url !== anchor.url);
    const free = why === "reason" && this.urls.some((url) => url !== other?.url);
    if (end.reason === Reason.replaced || !(free || other)) return this.events.stopped(end, anchor.url);
    this.events.down(end, anchor.url, plane, { type: "stop", why, end });
    if (this.closed) return;
    if (free) anchor.dial({ url: anchor.url, nodes: [] });
    else [this.home, this.standby] = [other!, undefined];
    if (this.session) void this.publish();
  }

  private swap(): void {
    [this.home, this.standby] = [this.standby!, this.home];
  }

  /** A key that cannot be used now (one in a device, say) leaves the record as it is until the next refresh. */
  private async publish(): Promise<void> {
    const nodes = this.sessions.map(({ session }) => session.remoteKey);
    const signed = await this.passport.sign(nodes).catch(() => undefined);
    if (this.closed || !signed) return;
    for (const { session } of this.sessions) session.send(encodePublish(signed));
  }

  private refreshLater(): void {
    this.refresh?.();
    this.refresh = this.settings.clock.after(RECORD_REFRESH, () => {
      void this.publish(); // without a session for those who are nearby
      this.refreshLater();
    });
  }
}
