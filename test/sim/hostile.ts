/**
 * A node that knows the network's token but no peer's key, and one that does not even know that. They
 * tell of peers what is not so: forged, altered, borrowed and stale records, statements in others'
 * names, and frames that are none.
 *
 * @module
 */
import type { Identity } from "../../src/identity/identity.ts";
import { peerIdBytes } from "../../src/identity/peer_id.ts";
import { meshMac } from "../../src/mesh/token.ts";
import { dialSession } from "../../src/session/dial.ts";
import type { Session } from "../../src/session/session.ts";
import {
  decodeControl,
  encodeEdges,
  encodeGreet,
  encodeMembers,
  encodePresence,
} from "../../src/wire/frames.ts";
import { Role, type SignedBytes } from "../../src/wire/protocol.ts";
import { encodeRecordBody, recordSigned } from "../../src/wire/record.ts";
import type { Dice } from "./dice.ts";
import { Machine } from "./machine.ts";
import type { SimPeer } from "./peers.ts";
import { TOKEN, type World } from "./world.ts";

/** Numbers of identities that no peer has. */
export const INSIDER = 1_000_001;
export const OUTSIDER = 1_000_002;
export const LIES = [
  "signature",
  "body",
  "borrowed",
  "stale",
  "future-record",
  "foreign-edges",
  "future-epoch",
  "strangers",
  "noise",
] as const;
/** Milliseconds: no clock of this world is ahead so far. */
const FAR_AHEAD = 3_600_000;

export class Hostile {
  /** What was told, by kind. */
  readonly told: Map<string, number> = new Map();
  readonly #world: World;
  readonly #peers: readonly SimPeer[];
  readonly #dice: Dice;
  readonly #machine: Machine;
  readonly #insider: Identity;
  readonly #outsider: Identity;
  /** A record that peers really had, from the beginning. */
  #old: { who: SimPeer; signed: SignedBytes } | undefined;
  /** Of a peer that is its own, genuine but for its dates. */
  #ahead: SignedBytes | undefined;
  #session: Session | undefined;
  #active = false;

  constructor(world: World, peers: readonly SimPeer[]) {
    this.#world = world;
    this.#peers = peers;
    this.#dice = world.dice.fork();
    this.#machine = new Machine("h", world.timeline, world.somewhere(), 0);
    this.#insider = world.identity(INSIDER);
    this.#outsider = world.identity(OUTSIDER);
  }

  begin(): void {
    this.#active = true;
    void this.#sign();
    this.#turn();
  }

  rest(): void {
    this.#active = false;
    this.#machine.kill();
    this.#world.network.died(this.#machine);
  }

  #turn(): void {
    if (!this.#active) return;
    if (this.#session?.state === "ready") this.#lie();
    else if (!this.#session || this.#session.state === "closed") {
      if (this.#dice.chance(0.2)) this.#dial(this.#outsider, "some other token of a network");
      this.#session = this.#dial(this.#insider, TOKEN);
    }
    this.#machine.clock.after(this.#dice.between(200, 2_000), () => this.#turn());
  }

  #dial(identity: Identity, token: string): Session {
    const { clock } = this.#machine;
    return dialSession({
      url: this.#dice.pick(this.#world.stations).url,
      identity,
      role: Role.node,
      decode: decodeControl,
      network: "default",
      instance: this.#dice.bytes(16),
      started: clock.wall(),
      agent: "hostile/1",
      connect: (url, handlers) => this.#world.dial(this.#machine, url, handlers),
      clock,
      random: (size) => this.#dice.bytes(size),
      handlers: {
        ready: (session) => void session.send(this.#greet(session, identity, token)),
        data() {},
        control() {},
        closed() {},
      },
    });
  }

  #greet(session: Session, identity: Identity, token: string): Uint8Array {
    const { challenge } = session.hello!;
    const [dialer, acceptor] = [identity.publicKey, session.remoteKey];
    const mac = meshMac(token, { network: "default", challenge, dialer, acceptor }, "dialer");
    return encodeGreet({ epoch: this.#machine.clock.wall(), urls: [], mac });
  }

  async #sign(): Promise<void> {
    const body = this.#bodyOf(this.#outsider, this.#machine.clock.wall() + FAR_AHEAD);
    this.#ahead = { body, signature: await this.#outsider.sign(recordSigned(body)) };
  }

  /** What a member of the mesh hears: a record as it is now. */
  #overhear(who: SimPeer): SignedBytes | undefined {
    const signed = this.#dice.pick(this.#world.stations).node.place(who.id)?.signed;
    if (signed) this.#old ??= { who, signed };
    return signed;
  }

  #lie(): void {
    const kind = this.#dice.pick(LIES);
    const frame = this.#frame(kind);
    if (!frame) return;
    this.told.set(kind, (this.told.get(kind) ?? 0) + 1);
    this.#session!.send(frame);
  }

  #frame(kind: (typeof LIES)[number]): Uint8Array | undefined {
    const who = this.#dice.pick(this.#peers);
    const { identity } = who;
    const record = this.#overhear(who);
    switch (kind) {
      case "signature":
        return this.#listing(identity, { body: this.#bodyOf(identity), signature: this.#dice.bytes(64) });
      case "body":
        return record && this.#listing(identity, this.#altered(record));
      case "borrowed":
        return record && this.#listing(identity, record);
      case "stale":
        return this.#old && this.#listing(this.#old.who.identity, this.#old.signed);
      case "future-record":
        return this.#ahead && this.#listing(this.#outsider, this.#ahead);
      case "foreign-edges":
        return this.#edges();
      case "future-epoch":
        return this.#listing(identity, null, this.#machine.clock.wall() + 10 * 86_400_000);
      case "strangers":
        return this.#strangers();
      case "noise":
        return this.#dice.bytes(1 + this.#dice.roll(200));
    }
  }

  #bodyOf({ publicKey }: Identity, now: number = this.#machine.clock.wall()): Uint8Array {
    return encodeRecordBody({
      peer: publicKey,
      instance: this.#dice.bytes(16),
      started: now,
      linkKey: this.#dice.bytes(32),
      nodes: [this.#insider.publicKey],
      sequence: 1_000,
      issued: now,
      expires: now + 300_000,
      network: "default",
    });
  }

  /** Somebody's own record with a bit turned. */
  #altered({ body, signature }: SignedBytes): SignedBytes {
    const altered = body.slice();
    altered[this.#dice.roll(altered.length)]! ^= 1 << this.#dice.roll(8);
    return { body: altered, signature };
  }

  /** Nodes that nobody has a session with. */
  #strangers(): Uint8Array {
    const epoch = this.#machine.clock.wall();
    const nodes = [1, 2, 3].map((i) => this.#world.identity(OUTSIDER + i + this.#dice.roll(50)).publicKey);
    return encodeMembers(nodes.map((node) => ({ node, epoch, incarnation: 0, state: 0, urls: [] })));
  }

  #listing(
    who: Identity,
    record: SignedBytes | null,
    epoch: number = this.#machine.clock.wall(),
  ): Uint8Array {
    const origin = this.#insider.publicKey;
    const entries = [{ version: 1, peer: who.publicKey, record }];
    return encodePresence({ origin, epoch, from: 0, to: 1, entries });
  }

  #edges(): Uint8Array {
    const node = peerIdBytes(this.#dice.pick(this.#world.stations).identity.id);
    const epoch = this.#machine.clock.wall() + 1_000;
    return encodeEdges({
      node,
      epoch,
      version: 1_000_000,
      neighbours: [this.#insider.publicKey],
      signature: this.#dice.bytes(64),
    });
  }
}
