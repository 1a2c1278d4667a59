/**
 * A peer's session with a node of its list: dialled, kept, and dialled again.
 *
 * @module
 */
import { type Identity } from "../identity/identity.ts";
import type { KeyPair } from "../link/dh.ts";
import { dialSession } from "../session/dial.ts";
import { type Decision, FRESH, type ReconnectState, reconnectStep } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { dataPayload, peerOf } from "../wire/data_frame.ts";
import { encodePublish } from "../wire/frames.ts";
import { RECORD_LIFETIME, RECORD_REFRESH } from "../wire/limits.ts";
import type { Control, Hello, Key, SignedBytes } from "../wire/protocol.ts";
import { signRecord } from "../wire/record.ts";
import type { Settings } from "./options.ts";
import type { Platform } from "./platform.ts";

/** Clocks that differ by more are corrected by the node's; less is nobody's concern. */
const CLOCK_TOLERANCE = 30_000;

/** What the peer is told about its node. */
export interface HomeEvents {
  up(session: Session, url: string): void;
  down(end: SessionEnd, url: string, decision: Decision): void;
  data(source: Key, packet: Uint8Array): void;
  control(frame: Control): void;
}

/** This process: what its records certify. */
export interface Process {
  identity: Identity;
  instance: Uint8Array;
  /** By this machine's clock, milliseconds since 1970. */
  started: number;
  linkKey: KeyPair;
}

export class Home {
  session: Session | undefined;
  /** URL of the node dialled last. */
  url = "";
  record: SignedBytes | undefined;
  private readonly settings: Settings;
  private readonly platform: Platform;
  private readonly own: Process;
  private readonly events: HomeEvents;
  private dialled: Session | undefined;
  private node = 0;
  private sequence = 0;
  private backoff: ReconnectState = FRESH;
  private readyAt = 0;
  private offset = 0;
  private started: number | undefined;
  private cancel: (() => void) | undefined;
  private closed = false;

  constructor(settings: Settings, platform: Platform, own: Process, events: HomeEvents) {
    this.settings = settings;
    this.platform = platform;
    this.own = own;
    this.events = events;
  }

  /** Milliseconds since 1970, by the node's clock where this machine's is far off. */
  wall(): number {
    return this.settings.clock.wall() + this.offset;
  }

  dial(): void {
    const { settings, own } = this;
    this.url = settings.nodes[this.node % settings.nodes.length]!;
    this.dialled = dialSession({
      url: this.url,
      insecure: settings.insecure,
      identity: own.identity,
      network: settings.network,
      instance: own.instance,
      started: (hello) => this.startedBy(hello),
      agent: this.platform.name,
      token: settings.token,
      connect: this.platform.connect,
      clock: settings.clock,
      random,
      early: (hello) => this.introduce(hello),
      handlers: {
        ready: (session) => this.ready(session),
        data: (_, message, start, end) =>
          this.events.data(peerOf(message, start), dataPayload(message, start, end)),
        control: (_, frame) => this.events.control(frame),
        closed: (_, end) => this.ended(end),
      },
    });
  }

  /** The record leaves with the auth, so that whoever looks us up from now on finds us. */
  private async introduce(hello: Hello): Promise<Uint8Array[]> {
    this.startedBy(hello);
    return [await this.publication(hello.node)];
  }

  /** When this process began, by the first node's clock; the same ever after, since it names the process. */
  private startedBy(hello: Hello): number {
    const difference = hello.time - this.settings.clock.wall();
    this.offset = Math.abs(difference) > CLOCK_TOLERANCE ? difference : 0;
    this.started ??= Math.floor(this.own.started + this.offset);
    return this.started;
  }

  private async publication(node: Key): Promise<Uint8Array> {
    const issued = Math.floor(this.wall());
    const { identity, instance, linkKey } = this.own;
    const started = this.started!;
    this.record = await signRecord(identity, {
      peer: identity.publicKey,
      instance,
      started,
      linkKey: linkKey.publicKey,
      nodes: [node],
      sequence: ++this.sequence,
      issued,
      expires: issued + RECORD_LIFETIME,
      network: this.settings.network,
    });
    return encodePublish(this.record);
  }

  private ready(session: Session): void {
    this.session = session;
    this.readyAt = this.settings.clock.now();
    this.refreshLater(session);
    this.events.up(session, this.url);
  }

  private refreshLater(session: Session): void {
    this.cancel = this.settings.clock.after(RECORD_REFRESH, async () => {
      if (this.session !== session) return;
      const frame = await this.publication(session.remoteKey);
      if (this.session !== session) return;
      session.send(frame);
      this.refreshLater(session);
    });
  }

  private ended(end: SessionEnd): void {
    const lasted = this.session ? this.settings.clock.now() - this.readyAt : 0;
    this.session = undefined;
    this.cancel?.();
    if (this.closed) return;
    const { state, decision } = reconnectStep(
      this.backoff,
      end,
      lasted,
      Math.random(),
      this.settings.backoff,
    );
    this.backoff = state;
    this.events.down(end, this.url, decision);
    if (decision.type === "stop" || this.closed) return;
    // A node that is gone gets one more chance before the next: most come back on their port at once.
    if (decision.elsewhere || !end.wasReady) this.node++;
    this.cancel = this.settings.clock.after(decision.delay, () => this.dial());
  }

  /** Says bye; nothing is dialled any more. */
  close(reason: number): void {
    this.closed = true;
    this.cancel?.();
    const session = this.dialled;
    this.session = undefined;
    session?.close(reason);
  }
}

/** Bytes from the platform's cryptographic source. */
export function random(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}
