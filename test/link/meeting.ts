/**
 * Two peers that greet each other through a network which may be as hostile as the test
 * wants: real Noise, records signed once by real identities, a virtual clock. Each end
 * does what the SDK does with a connection, and nothing else.
 */
import { type Identity, identityFromSeed } from "../../src/identity/identity.ts";
import type { ByteStream } from "../../src/link/byte_stream.ts";
import {
  type Candidate,
  Connection,
  type ConnectionEnd,
  type ConnectionEvents,
} from "../../src/link/connection.ts";
import { type Ciphers, OWN_CIPHERS } from "../../src/link/ciphers.ts";
import { keyPairOf } from "../../src/link/dh.ts";
import type { Local } from "../../src/link/greeting.ts";
import type { Incoming } from "../../src/link/mailbox.ts";
import { Outgoing } from "../../src/link/outgoing.ts";
import { readPacket, writeUnknown } from "../../src/link/packet.ts";
import { Reception } from "../../src/peer/reception.ts";
import { compareBytes } from "../../src/wire/cbor.ts";
import { type PeerRecord, Reason, type SignedBytes } from "../../src/wire/protocol.ts";
import { readRecord, signRecord } from "../../src/wire/record.ts";
import { seeded } from "../dice.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import { idOf, Network } from "./wire_between.ts";

const LIFETIME = 300_000;
const NETWORK = "test";

/** What a test does with a packet on its way: lets it pass, loses it, or keeps it for {@link Meeting.release}. */
export type Fate = "pass" | "lose" | "keep";

/** One process of a peer; {@link Party.restart} makes the next. */
export class Party {
  readonly name: string;
  readonly identity: Identity;
  readonly meeting: Meeting;
  other!: Party;
  connection: Connection | undefined;
  /** Every message any of its connections took in, oldest first. */
  readonly inbox: Incoming[] = [];
  readonly delivered: string[] = [];
  readonly streams: ByteStream[] = [];
  readonly brokenStreams: string[] = [];
  readonly ends: ConnectionEnd[] = [];
  readonly presence: boolean[] = [];
  restarts = 0;
  established = 0;
  lookUps = 0;
  record!: SignedBytes;
  private local!: Local;
  private reception!: Reception;
  private doubted = false;
  private cancel: (() => void) | undefined;
  private made = 0;
  private last = 0;
  private work: Promise<void> = Promise.resolve();
  private readonly random: () => number;

  constructor(meeting: Meeting, name: string, identity: Identity, seed: number) {
    this.meeting = meeting;
    this.name = name;
    this.identity = identity;
    this.random = seeded(seed);
  }

  private bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => this.random() * 256);

  /** What this peer's processes bear. */
  ciphers: Ciphers = OWN_CIPHERS;

  /** A new process of the same peer: nothing of the old one is left. */
  async start(): Promise<void> {
    this.cancel?.();
    this.connection = undefined;
    this.doubted = false;
    this.local = {
      key: this.identity.publicKey,
      instance: this.bytes(16),
      linkKey: keyPairOf(this.bytes(32)),
      network: NETWORK,
      ciphers: this.ciphers,
      random: this.bytes,
      record: () => this.record,
      stamp: () => this.last = Math.max(this.last + 1, this.clock.wall()),
    };
    this.started = this.clock.wall();
    await this.sign();
    this.reception = new Reception({
      clock: this.clock,
      local: this.local,
      knows: () => this.connection !== undefined,
      judge: () => Promise.resolve({ accepted: true }),
      welcome: (_, greeting, init) => {
        this.connection ??= this.newConnection();
        const packet = this.connection.greeted(greeting, init, this.clock.now());
        this.pump();
        return packet;
      },
    });
  }

  private started = 0;

  /** Records live five minutes; a peer signs a new one in time. */
  private async sign(): Promise<void> {
    const issued = this.clock.wall();
    this.record = await signRecord(this.identity, {
      peer: this.identity.publicKey,
      instance: this.local.instance,
      started: this.started,
      linkKey: this.local.linkKey.publicKey,
      nodes: [],
      sequence: issued,
      issued,
      expires: issued + LIFETIME,
      network: NETWORK,
    });
  }

  private get clock(): VirtualClock {
    return this.meeting.clock;
  }

  /** As the SDK: looks the other up and greets it, unless there is a link. */
  dial(record: PeerRecord = readRecord(this.other.record)!): Connection {
    if (!this.connection) {
      this.connection = this.newConnection();
      this.connection.hail(record, this.clock.now());
      this.pump();
    }
    return this.connection;
  }

  post(text: string): Outgoing {
    const message = new Outgoing(idOf(++this.made), new TextEncoder().encode(text), false, 0);
    this.connection!.conversation.post(message);
    this.pump();
    return message;
  }

  /** Begins a link whose first message travels in the first packet. */
  dialWith(text: string): Outgoing {
    this.connection ??= this.newConnection();
    const message = new Outgoing(idOf(++this.made), new TextEncoder().encode(text), false, 0);
    this.connection.conversation.post(message);
    this.connection.hail(readRecord(this.other.record)!, this.clock.now());
    this.pump();
    return message;
  }

  close(text: string = "bye"): void {
    this.connection?.close(Reason.linkClosed, text, this.clock.now());
    this.pump();
  }

  get texts(): string[] {
    return this.inbox.map(({ data }) => new TextDecoder().decode(data));
  }

  private newConnection(): Connection {
    const connection: Connection = new Connection(
      this.local,
      this.other.identity.publicKey,
      this.events(() => connection),
      this.clock.now(),
    );
    connection.setPath(this.meeting.network.up, this.clock.now());
    return connection;
  }

  private events(own: () => Connection): ConnectionEvents {
    return {
      message: (message) => {
        this.inbox.push(message);
        own().conversation.consumed(message.data.length);
      },
      stream: (stream) => void this.streams.push(stream),
      departed: (message) => message.advance("sent", 0),
      delivered: (message) => {
        message.advance("delivered", 0);
        this.delivered.push(new TextDecoder().decode(message.data));
      },
      processed() {},
      aboutPath() {},
      signal() {},
      probeAnswered() {},
      established: () => void this.established++,
      restarted: () => void this.restarts++,
      presence: () => void this.presence.push(own().connected),
      lookUp: () => void this.lookUp(own()),
      superseded: (candidate) => this.succeed(own(), candidate),
      ended: (end) => this.ended(own(), end),
    };
  }

  private lookUp(connection: Connection): void {
    this.lookUps++;
    this.clock.after(
      20,
      () => this.meeting.network.up && this.found(connection, this.meeting.directory(this.other)),
    );
  }

  /** As `SharedLink.found`. */
  private found(connection: Connection, record: PeerRecord): void {
    if (this.connection !== connection) return;
    const known = connection.instance;
    const same = known !== undefined && compareBytes(known, record.instance) === 0;
    const now = this.clock.now();
    if (!same || this.doubted || connection.standing === "hailing") connection.hail(record, now);
    else connection.foundAgain(now);
    this.doubted = false;
    this.pump();
  }

  private succeed(connection: Connection, candidate: Candidate): void {
    connection.end({ reason: Reason.linkClosed, text: "the other side began anew", by: "remote" });
    this.connection = this.newConnection();
    this.connection.succeed(candidate, this.clock.now());
  }

  private ended(connection: Connection, end: ConnectionEnd): void {
    this.ends.push(end);
    const last = end.by === "remote" ? connection.farewell(this.clock.now()) : undefined;
    if (last) this.send(last);
    connection.forget();
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.cancel?.();
    this.cancel = undefined;
  }

  send(packet: Uint8Array): void {
    this.meeting.send(this, packet);
  }

  receive(bytes: Uint8Array): void {
    const packet = readPacket(bytes);
    if (!packet) return;
    const now = this.clock.now();
    if (packet.kind === "init") {
      const receive = () =>
        this.reception.receive(
          this.other.identity.publicKey,
          this.other.identity.id,
          packet,
          (answer) => this.send(answer),
        );
      this.work = this.work.then(receive).then(() => this.pump());
    } else if (packet.kind === "response") {
      const connection = this.connection;
      const stamp = connection?.takeResponse(packet, now);
      if (stamp !== undefined) {
        this.reception.freshness.learn(this.other.identity.id, connection!.instance!, stamp, now);
      }
    } else if (packet.kind === "transport") {
      const known = this.connection?.takeTransport(packet, now) ?? "unknown";
      if (known === "unknown") this.send(writeUnknown(packet.epoch));
    } else if (packet.kind === "unknown") {
      this.doubted = true;
      this.connection?.takeUnknown(now);
    } else this.connection?.takeRefused(packet, now);
    this.pump();
  }

  pump(): void {
    const { connection, clock } = this;
    if (!connection) return;
    const now = clock.now();
    for (let packet = connection.transmit(now); packet; packet = connection.transmit(now)) this.send(packet);
    this.cancel?.();
    const at = connection.deadline;
    if (at === Infinity) return void (this.cancel = undefined);
    this.cancel = clock.after(at - now, () => {
      this.cancel = undefined;
      this.meeting.wakeups++;
      connection.expire(clock.now());
      this.pump();
      if (connection.deadline <= clock.now()) this.meeting.busy++;
    });
  }

  async settle(): Promise<void> {
    await this.work;
  }

  async refresh(): Promise<void> {
    await this.sign();
  }
}

export class Meeting {
  readonly network: Network;
  readonly clock: VirtualClock;
  a!: Party;
  b!: Party;
  /** What happens to each packet; the default is what the weather wants. */
  fate: (from: Party, packet: Uint8Array, index: number) => Fate = () => "pass";
  /** What the node answers to a lookup: the truth unless a test lies. */
  directory: (of: Party) => PeerRecord = (of) => readRecord(of.record)!;
  readonly kept: { from: Party; packet: Uint8Array }[] = [];
  /** Every packet that was handed to the network. */
  readonly sent: { from: Party; packet: Uint8Array }[] = [];
  wakeups = 0;
  /** Times a deadline lay in the past although everything had been sent. */
  busy = 0;

  private constructor(network: Network) {
    this.network = network;
    this.clock = network.clock;
  }

  /** `a` has the smaller key: where both begin at once, its greeting wins. */
  static async begin(seed: number = 1, network: Network = new Network(seed)): Promise<Meeting> {
    const meeting = new Meeting(network);
    const [low, high] = (await identities).toSorted((x, y) => compareBytes(x.publicKey, y.publicKey));
    meeting.a = new Party(meeting, "a", low!, seed + 1);
    meeting.b = new Party(meeting, "b", high!, seed + 2);
    meeting.a.other = meeting.b;
    meeting.b.other = meeting.a;
    await meeting.a.start();
    await meeting.b.start();
    return meeting;
  }

  send(from: Party, packet: Uint8Array): void {
    this.sent.push({ from, packet: packet.slice() });
    const fate = this.fate(from, packet, this.sent.length - 1);
    if (fate === "keep") this.kept.push({ from, packet: packet.slice() });
    if (fate === "pass") this.network.carry(packet, (bytes) => from.other.receive(bytes));
  }

  /** Delivers what was kept, now. */
  async release(): Promise<void> {
    for (const { from, packet } of this.kept.splice(0)) {
      from.other.receive(packet);
      await this.rest();
    }
  }

  setPath(up: boolean): void {
    this.network.up = up;
    for (const { connection } of [this.a, this.b]) connection?.setPath(up, this.clock.now());
    this.a.pump();
    this.b.pump();
  }

  /** Signatures are made and checked in promises: they take no time. */
  private async rest(): Promise<void> {
    await this.a.settle();
    await this.b.settle();
  }

  /** Runs one event at or before `until`. */
  async step(until: number): Promise<boolean> {
    await this.rest();
    const ran = this.clock.step(until);
    await this.rest();
    return ran;
  }

  async run(duration: number): Promise<void> {
    const until = this.clock.now() + duration;
    let signed = this.clock.now();
    while (await this.step(until)) {
      if (this.clock.now() - signed < LIFETIME / 3) continue;
      signed = this.clock.now();
      await this.a.refresh();
      await this.b.refresh();
    }
  }
}

const identities = Promise.all([1, 2].map((seed) => identityFromSeed(new Uint8Array(32).fill(seed))));
