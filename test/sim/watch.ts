/** Looks on: what must hold at any time, and that nothing is left at the end. */
import { recordSigned } from "../../src/wire/record.ts";
import { INSIDER, OUTSIDER } from "./hostile.ts";
import type { Ledger } from "./ledger.ts";
import type { SimPeer } from "./peers.ts";
import type { Station, World } from "./world.ts";

const LOOK = 1_000;
/** Looks between two over the lists of members. */
const STRANGERS = 5;
/** Milliseconds for which a pair of nodes may have two sessions: both dialled, or one end has not noticed yet. */
const TWO_SESSIONS = 8_000;
/** Milliseconds after the last peer left in which nodes forget it all but for tombstones. */
const EMPTYING = 30_000;

export class Watch {
  looks = 0;
  recordsChecked = 0;
  mostSessions = 0;
  readonly #world: World;
  readonly #peers: readonly SimPeer[];
  readonly #ledger: Ledger;
  readonly #doubled = new Map<string, number>();
  #over = false;

  constructor(world: World, peers: readonly SimPeer[], ledger: Ledger) {
    this.#world = world;
    this.#peers = peers;
    this.#ledger = ledger;
  }

  begin(): void {
    this.#world.timeline.after(LOOK, () => {
      if (this.#over) return;
      this.looks++;
      this.#pairs();
      for (const station of this.#world.running) this.#look(station);
      for (const loop of this.#world.trace.loops.splice(0)) this.#ledger.fault(loop);
      this.begin();
    });
  }

  /** Everybody goes; then nothing may be armed, open or remembered as present. */
  async leave(): Promise<void> {
    const { timeline } = this.#world;
    this.#over = true;
    for (const peer of this.#peers) void peer.leave();
    await this.#world.pass(EMPTYING);
    for (const station of this.#world.running) this.#empty(station);
    for (const { node } of this.#world.running) void node.drain(0);
    await this.#world.pass(EMPTYING);
    for (const { number, machine } of this.#world.stations) {
      if (machine.armed > 0) this.#ledger.fault(`node ${number} left ${machine.armed} timers`);
    }
    for (const { number, machine } of this.#peers) {
      if (machine.armed > 0) this.#ledger.fault(`peer ${number} left ${machine.armed} timers`);
    }
    const open = [...this.#world.network.lines].filter((line) => line.open).length;
    if (open > 0) this.#ledger.fault(`${open} connections were left open`);
    if (timeline.waiting > 0) this.#ledger.fault(`${timeline.waiting} events were left`);
  }

  #empty({ number, node }: Station): void {
    for (const who of this.#peers) {
      if (node.place(who.id)) return this.#ledger.fault(`node ${number} still knows peer ${who.number}`);
    }
    if (node.sessions > 0) this.#ledger.fault(`node ${number} kept ${node.sessions} sessions`);
  }

  /** Exactly one session with each pair, but for the moment in which both dial. */
  #pairs(): void {
    const { now, network } = this.#world;
    const pairs = new Map<string, number>();
    for (const { open, passes, dialer, acceptor } of network.lines) {
      const [a, b] = [dialer.machine, acceptor.machine];
      if (!open || !passes || a.name[0] !== "n" || a.state !== "running" || b.state !== "running") continue;
      const pair = [a.name, b.name].sort().join("–");
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
    for (const pair of this.#doubled.keys()) if ((pairs.get(pair) ?? 0) < 2) this.#doubled.delete(pair);
    for (const [pair, count] of pairs) {
      if (count < 2) continue;
      const since = this.#doubled.get(pair) ?? now;
      this.#doubled.set(pair, since);
      if (now - since >= TWO_SESSIONS) this.#ledger.fault(`${pair} have ${count} sessions since ${since} ms`);
    }
  }

  #look({ number, node }: Station): void {
    this.mostSessions = Math.max(this.mostSessions, node.sessions);
    if (node.sessions > Math.min(node.limits.sessions, this.#peers.length)) {
      this.#ledger.fault(`node ${number} has ${node.sessions} sessions`);
    }
    if (this.looks % STRANGERS === 0) this.#members(number, node);
    // A dozen a second and node, another dozen each time.
    for (let i = 0; i < 12; i++) {
      this.#genuine(number, node, this.#peers[(this.looks * 12 + i) % this.#peers.length]!);
    }
  }

  /** Nobody of whom only the liar speaks. */
  #members(number: number, node: Station["node"]): void {
    const liar = this.#world.identity(INSIDER).id;
    if (node.place(this.#world.identity(OUTSIDER).id)) {
      this.#ledger.fault(`node ${number} lists a liar's peer`);
    }
    for (const { node: id } of node.meshStatus()!.members) {
      if (id !== liar && !this.#world.byId.has(id)) {
        this.#ledger.fault(`node ${number} lists a node that is none`);
      }
    }
  }

  /** What a node would tell of a peer is the peer's own word, and not of a later time than the present. */
  #genuine(number: number, node: Station["node"], who: SimPeer): void {
    const place = node.place(who.id);
    if (!place) return;
    this.recordsChecked++;
    const { body, signature } = place.signed;
    if (!this.#world.keys.isGenuine(who.id, recordSigned(body), signature)) {
      this.#ledger.fault(`node ${number} believes a forged record of peer ${who.number}`);
    }
    if (!place.nodes.every((id) => this.#world.byId.has(id))) {
      this.#ledger.fault(`node ${number} finds peer ${who.number} at a liar's`);
    }
  }
}
