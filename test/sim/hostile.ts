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
import { encodeEdges, encodeGreet, encodePresence } from "../../src/wire/frames.ts";
import { type Control, Role, type SignedBytes } from "../../src/wire/protocol.ts";
import { encodeRecordBody } from "../../src/wire/record.ts";
import type { Dice } from "./dice.ts";
import { Machine } from "./machine.ts";
import type { SimPeer } from "./peers.ts";
import { TOKEN, type World } from "./world.ts";

/** Numbers of identities that no peer has. */
const INSIDER = 1_000_001;
const OUTSIDER = 1_000_002;
const LIES = ["signature", "body", "borrowed", "stale", "foreign-edges", "future-epoch", "noise"] as const;

export class Hostile {
  /** What was told, by kind. */
  readonly told: Map<string, number> = new Map();
  readonly #world: World;
  readonly #peers: readonly SimPeer[];
  readonly #dice: Dice;
  readonly #machine: Machine;
  readonly #insider: Identity;
  readonly #outsider: Identity;
  readonly #heard: SignedBytes[] = [];
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
        control: (_, frame) => this.#listen(frame),
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

  #listen(frame: Control): void {
    if (frame.kind !== "presence") return;
    for (const { record } of frame.entries) if (record) this.#heard.push(record);
    if (this.#heard.length > 1_000) this.#heard.splice(0, 500);
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
    switch (kind) {
      case "signature":
        return this.#listing(who, { body: this.#bodyOf(who), signature: this.#dice.bytes(64) });
      case "body":
      case "stale":
        return this.#alter(who, kind === "stale");
      case "borrowed": {
        const record = this.#heard.length > 0 ? this.#dice.pick(this.#heard) : undefined;
        return record && this.#listing(who, record);
      }
      case "foreign-edges":
        return this.#edges();
      case "future-epoch":
        return this.#listing(who, null, this.#machine.clock.wall() + 10 * 86_400_000);
      case "noise":
        return this.#dice.bytes(1 + this.#dice.roll(200));
    }
  }

  #bodyOf(who: SimPeer): Uint8Array {
    const now = this.#machine.clock.wall();
    return encodeRecordBody({
      peer: who.identity.publicKey,
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

  /** Somebody's own record with a bit turned; `stale`: an old one as it was, where it did not stand. */
  #alter(who: SimPeer, stale: boolean): Uint8Array | undefined {
    const heard = this.#heard[0];
    if (!heard) return undefined;
    const body = heard.body.slice();
    if (!stale) body[this.#dice.roll(body.length)]! ^= 1;
    return this.#listing(who, { body, signature: heard.signature });
  }

  #listing(who: SimPeer, record: SignedBytes | null, epoch: number = this.#machine.clock.wall()): Uint8Array {
    const origin = this.#insider.publicKey;
    const entries = [{ version: 1, peer: who.identity.publicKey, record }];
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
