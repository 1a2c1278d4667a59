/**
 * Which nodes to dial. In a mesh of up to target + 1 nodes: every one. In a larger one,
 * the next node on either side in the circle of ids, which joins all nodes whatever else
 * fails, and by a hash of both ids some across the circle, which keep the ways short. A
 * neighbour that cannot be dialled is stepped over until its pause ends. Nodes without
 * a URL have their place in the circle too, but only dial.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { isFinal } from "./claim.ts";
import type { Member, Members } from "./members.ts";
import { MESH_TARGET, REDIAL_FIRST, REDIAL_LONGEST, RETURN_SLOT } from "./mesh_limits.ts";

export interface NeighboursOptions {
  members: Members;
  /** Sessions to keep, at least 2; by default `MESH_TARGET`. */
  target?: number;
  /** Uniform in [0, 1): spreads the pauses. */
  random: () => number;
}

/**
 * A node to dial. `returning`: believed dead; halves of a mesh find each other again this
 * way. `hearsay`: unproven; a session would prove it.
 */
export interface Wanted {
  node: PeerId;
  urls: readonly string[];
  why: "circle" | "across" | "returning" | "hearsay";
}

/** Those that can be dialled, each kind sorted by id. */
interface View {
  readonly revision: number;
  readonly circle: Member[];
  readonly dead: Member[];
  /** All that live, with a URL or without. */
  readonly living: number;
}

interface Failure {
  pause: number;
  until: number;
}

/**
 * The choice of one node.
 *
 * @throws {RangeError} from the constructor when `target` is below 2.
 */
export class Neighbours {
  readonly #members: Members;
  readonly #random: () => number;
  readonly #target: number;
  readonly #failures = new Map<PeerId, Failure>();
  #view: View = { revision: -1, circle: [], dead: [], living: 0 };

  constructor({ members, target = MESH_TARGET, random }: NeighboursOptions) {
    if (!Number.isInteger(target) || target < 2) throw new RangeError("a mesh target is an integer from 2");
    this.#members = members;
    this.#random = random;
    this.#target = target;
  }

  /** What to dial now, most needed first. Nodes stay wanted until a session is up or {@link failed} is told. */
  wanted(now: number): Wanted[] {
    this.#look();
    const wanted = this.#everybodyFits() ? this.#absent(now) : this.#some(now);
    return [...wanted, ...this.#returning(now), ...this.#rumoured(now)];
  }

  /** Members that could not be dialled lately. */
  get failing(): number {
    return this.#failures.size;
  }

  /**
   * A dial failed: the node is left alone for a while, twice as long each time. Those of whom others only speak
   * have their turns, and nothing is remembered of them: a liar names new ones for ever.
   */
  failed(node: PeerId, now: number): void {
    if (!this.#members.get(node)) return;
    const before = this.#failures.get(node)?.pause ?? REDIAL_FIRST / 2;
    const pause = Math.min(before * 2, REDIAL_LONGEST);
    this.#failures.set(node, { pause, until: now + pause * (0.5 + this.#random() / 2) });
  }

  /** A session with `node` came up: the next failure is its first. */
  reached(node: PeerId): void {
    this.#failures.delete(node);
  }

  #look(): void {
    const { revision } = this.#members;
    if (this.#view.revision === revision) return;
    const all = [...this.#members].sort((a, b) => a.node < b.node ? -1 : 1);
    const living = all.filter((member) => !isFinal(member));
    const circle = living.filter(({ urls }) => urls.length > 0);
    const dead = all.filter(({ state, urls }) => state === "dead" && urls.length > 0);
    this.#view = { revision, circle, dead, living: living.length };
    for (const node of this.#failures.keys()) if (!this.#members.get(node)) this.#failures.delete(node);
  }

  #everybodyFits(): boolean {
    return this.#view.living <= this.#target;
  }

  #absent(now: number): Wanted[] {
    return this.#view.circle.filter((member) => this.#dialable(member, now)).map((m) =>
      wantedFor(m, "across")
    );
  }

  #some(now: number): Wanted[] {
    const beside = this.#beside(now);
    const missing = this.#target - this.#members.sessions.size - beside.length;
    if (missing <= 0) return beside;
    // Half of what is missing: others dial us for the other half.
    return [...beside, ...this.#across(Math.ceil(missing / 2), beside, now)];
  }

  #beside(now: number): Wanted[] {
    const { circle } = this.#view;
    const after = circle.findIndex(({ node }) => node > this.#members.id);
    const start = after < 0 ? 0 : after;
    const forward = [...circle.slice(start), ...circle.slice(0, start)];
    const next = this.#nearest(forward, now);
    const previous = this.#nearest(forward.reverse(), now);
    const both = next === previous ? [next] : [next, previous];
    return both.filter((member) => member !== undefined).map((member) => wantedFor(member, "circle"));
  }

  /** The first that can be dialled, unless a session with a nearer one stands. */
  #nearest(order: Member[], now: number): Member | undefined {
    const first = order.find(({ node }) => this.#members.sessions.has(node) || !this.#resting(node, now));
    return first && !this.#members.sessions.has(first.node) ? first : undefined;
  }

  #across(count: number, beside: Wanted[], now: number): Wanted[] {
    const taken = new Set(beside.map(({ node }) => node));
    const own = hash(this.#members.id);
    const able = this.#view.circle
      .filter((member) => !taken.has(member.node) && this.#dialable(member, now))
      .map((member) => ({ member, rank: mix(own ^ hash(member.node)) }));
    able.sort((a, b) => a.rank - b.rank);
    return able.slice(0, count).map(({ member }) => wantedFor(member, "across"));
  }

  /** One at a time, each in its turn; every node begins elsewhere. */
  #returning(now: number): Wanted[] {
    const member = this.#inTurn(this.#view.dead, now);
    return !member || this.#members.sessions.has(member.node) ? [] : [wantedFor(member, "returning")];
  }

  /** One at a time as well: a liar does not make this node dial the world. */
  #rumoured(now: number): Wanted[] {
    const claim = this.#inTurn([...this.#members.rumours].filter(({ urls }) => urls.length > 0), now);
    return claim ? [{ node: claim.node, urls: claim.urls, why: "hearsay" }] : [];
  }

  #inTurn<T>(list: readonly T[], now: number): T | undefined {
    return list[(Math.floor(now / RETURN_SLOT) + hash(this.#members.id)) % list.length];
  }

  #dialable({ node }: Member, now: number): boolean {
    return !this.#members.sessions.has(node) && !this.#resting(node, now);
  }

  #resting(node: PeerId, now: number): boolean {
    return now < (this.#failures.get(node)?.until ?? -Infinity);
  }
}

function wantedFor({ node, urls }: Member, why: Wanted["why"]): Wanted {
  return { node, urls, why };
}

/** FNV-1a, 32 bits. */
function hash(id: PeerId): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) value = Math.imul(value ^ id.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** The finaliser of MurmurHash3: equal inputs of both ends of a pair give both the same rank. */
function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
