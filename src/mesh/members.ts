/**
 * Membership: which nodes of the network live, as gossip tells it. SWIM (Das, Gupta,
 * Motivala 2002) with suspicion and incarnations; here a death is final for one epoch,
 * and a ready session with a node is proof of life that hearsay never overrides.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import {
  type Claim,
  claimFrames,
  type ClaimState,
  compareClaims,
  finalClaim,
  isFinal,
  readClaim,
  validUrls,
} from "./claim.ts";
import { Hearsay } from "./hearsay.ts";
import { Introductions } from "./introductions.ts";
import type { MeshEffect } from "./mesh_effect.ts";
import {
  ALONE_PATIENCE,
  FORGET,
  MAX_KNOWN,
  MAX_URLS,
  PROBE_INTERVAL,
  SUSPICION,
  SYNC_INTERVAL,
} from "./mesh_limits.ts";
import { OwnClaim } from "./own_claim.ts";
import { type Entry, Roll } from "./roll.ts";
import { Turn } from "./turn.ts";

export interface MembersOptions {
  id: PeerId;
  /** When this process began, wall milliseconds. */
  epoch: number;
  /** Where this node can be dialled, as `URL.href` gives it; empty: it only dials. */
  urls: readonly string[];
  /** Uniform in [0, 1). */
  random: () => number;
  /** Highest epoch that is believed now; by default `MAX_EPOCH`. A node whose epoch was pushed far ahead could not go on. */
  horizon?: () => number;
  /** Nodes that others may introduce; without it, all. */
  allowed?: (node: PeerId) => boolean;
}

/** Another node as this one sees it. */
export interface Member extends Claim {
  /** Monotonic milliseconds at which this state was learnt. */
  readonly since: number;
  /** A session with it is ready. */
  readonly session: boolean;
}

/**
 * The members of one network but this node. Every method returns what is to be sent and
 * told; frames go to nodes with a session.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const [a, b] = ["a".repeat(52), "b".repeat(52)] as PeerId[];
 * const members = new Members({ id: a!, epoch: 1, urls: [], random: Math.random });
 * const effects = members.sessionUp(b!, 7, ["wss://b.example/"], 0);
 * assert.deepEqual(effects[0], { type: "joined", node: b, epoch: 7 });
 * assert.equal(members.get(b!)?.state, "alive");
 * ```
 */
export class Members {
  readonly id: PeerId;
  /** Claims that were not believed, by reason. */
  readonly refused = { invalid: 0, stranger: 0, flood: 0, full: 0 };
  readonly #own: OwnClaim;
  readonly #roll = new Roll();
  readonly #hearsay = new Hearsay();
  readonly #sessions = new Map<PeerId, Introductions>();
  readonly #doubts = new Set<PeerId>();
  readonly #options: MembersOptions;
  #syncAt = 0;

  /** @throws {RangeError} when `urls` are more than `MAX_URLS`, too long or no WebSocket URLs. */
  constructor(options: MembersOptions) {
    const { id, epoch, urls } = options;
    checkUrls(urls);
    this.id = id;
    this.#options = options;
    this.#own = new OwnClaim({ node: id, epoch, incarnation: 0, state: "alive", urls: [...urls] });
  }

  /** What this node says about itself. */
  get own(): Claim {
    return this.#own.claim;
  }

  /** Nodes with a ready session. */
  get sessions(): ReadonlyMap<PeerId, unknown> {
    return this.#sessions;
  }

  /** Grows whenever a node joins, changes its state, or is forgotten. */
  get revision(): number {
    return this.#roll.revision;
  }

  /** How many nodes are listed, dead ones included. */
  get size(): number {
    return this.#roll.size;
  }

  get(node: PeerId): Member | undefined {
    const entry = this.#roll.get(node);
    return entry && this.#member(entry);
  }

  /** As `get(node)?.state`, for those who ask often. */
  state(node: PeerId): ClaimState | undefined {
    return this.#roll.get(node)?.claim.state;
  }

  /** What is said of a node that nobody has proven: it is no member. */
  hearsay(node: PeerId): Claim | undefined {
    return this.#hearsay.get(node);
  }

  /** All that is said of such nodes. */
  get rumours(): Iterable<Claim> {
    return this.#hearsay.claims();
  }

  *[Symbol.iterator](): IterableIterator<Member> {
    for (const entry of this.#roll) yield this.#member(entry);
  }

  /** A session with `node` is ready and it has greeted. Also when it replaced another one. */
  sessionUp(node: PeerId, epoch: number, urls: readonly string[], now: number): MeshEffect[] {
    const turn = new Turn();
    if (!this.#sessions.has(node)) this.#sessions.set(node, new Introductions(now));
    this.#hearsay.delete(node);
    const named = urls.filter((url) => validUrls([url])).slice(0, MAX_URLS);
    this.#greeted({ node, epoch, incarnation: 0, state: "alive", urls: named }, now, turn);
    turn.answer(node, this.#all());
    return turn.effects(node);
  }

  /** The last session with `node` ended: what was heard against it meanwhile counts now, and it is probed next. */
  sessionDown(node: PeerId, now: number): MeshEffect[] {
    const turn = new Turn();
    this.#sessions.delete(node);
    const entry = this.#roll.get(node);
    if (!entry) return [];
    this.#doubts.add(node);
    this.#believeRumour(entry, now, turn);
    return turn.effects(undefined);
  }

  /** What the node at the other end of a session says. */
  receive(from: PeerId, claims: readonly Claim[], now: number): MeshEffect[] {
    const turn = new Turn();
    for (const claim of claims) this.#hear(claim, from, now, turn);
    this.#refute(now, turn);
    if (this.#sessions.get(from)?.excessive) turn.change({ type: "flooded", from });
    return turn.effects(from);
  }

  /** A node known by hearsay was proven to belong to the network ({@link Vouching}): it is listed and passed on. */
  vouch(node: PeerId, now: number): MeshEffect[] {
    const claim = this.#hearsay.get(node);
    const teller = this.#hearsay.teller(node);
    if (!claim) return [];
    if (this.#roll.size >= MAX_KNOWN && !this.#roll.makeRoom(this.#sessions, now)) {
      refuse(this.refused, "full");
      return [];
    }
    this.#hearsay.delete(node);
    const turn = new Turn();
    this.#roll.adopt(this.#roll.enter(claim, now), claim, now, turn);
    return turn.effects(teller);
  }

  /** Probing found no sign of life: first-hand, so a session does not protect `node`. */
  suspect(node: PeerId, now: number): MeshEffect[] {
    const entry = this.#roll.get(node);
    if (entry?.claim.state !== "alive") return [];
    const turn = new Turn();
    this.#roll.adopt(entry, { ...entry.claim, state: "suspect" }, now, turn);
    this.#believeRumour(entry, now, turn);
    return turn.effects(undefined);
  }

  /**
   * Somebody holds what this node said under `epoch`, later than anything it remembers
   * (presence or edges of a former life): it takes a higher epoch.
   */
  outbid(epoch: number, now: number): MeshEffect[] {
    const past: Claim = { ...this.own, epoch, incarnation: 0, state: "dead", urls: [] };
    const turn = new Turn();
    if (this.#own.hear(past) === "accused") this.#refute(now, turn);
    return turn.effects(undefined);
  }

  /**
   * This node is dialled at these URLs from now on.
   *
   * @throws {RangeError} when they are more than `MAX_URLS`, too long or no WebSocket URLs.
   */
  listensAt(urls: readonly string[]): MeshEffect[] {
    checkUrls(urls);
    return [{ type: "gossip", claims: [this.#own.move([...urls])], except: undefined }];
  }

  /** Says goodbye; nothing is refuted afterwards. */
  leave(): MeshEffect[] {
    return [{ type: "gossip", claims: [this.#own.leave()], except: undefined }];
  }

  /** Suspects that did not refute die, dead ones are forgotten, a sync goes out. Called by {@link Probing}. */
  tick(now: number): MeshEffect[] {
    const turn = new Turn();
    const patience = this.#patience();
    for (const entry of this.#roll) {
      const age = now - entry.since;
      if (entry.claim.state === "suspect" && age >= patience) {
        this.#roll.adopt(entry, finalClaim(entry.claim, "dead"), now, turn);
      } else if (isFinal(entry.claim) && age >= FORGET) this.#roll.forget(entry, now);
    }
    this.#roll.tick(now);
    this.#hearsay.tick(now);
    this.#refute(now, turn);
    return [...turn.effects(undefined), ...this.#sync(now)];
  }

  /** This process stood still for `late` ms: refutations may lie unread, so every suspect gets that time and an interval more. */
  excuse(late: number, now: number): void {
    for (const entry of this.#roll) {
      if (entry.claim.state !== "suspect") continue;
      entry.since = Math.min(now, Math.max(entry.since + late, now - SUSPICION + PROBE_INTERVAL));
    }
  }

  /** A node there is reason to probe before its turn. */
  takeDoubt(): PeerId | undefined {
    for (const node of this.#doubts) {
      this.#doubts.delete(node);
      const entry = this.#roll.get(node);
      if (entry && !isFinal(entry.claim)) return node;
    }
    return undefined;
  }

  #member(entry: Entry): Member {
    const { claim, urls, since } = entry;
    const { node, epoch, incarnation, state } = claim;
    return { node, epoch, incarnation, state, urls, since, session: this.#sessions.has(node) };
  }

  #all(): Claim[] {
    return [this.own, ...Array.from(this.#roll, (entry) => entry.claim)];
  }

  /** Of one other node there is no telling whose side broke; of several, it is more likely this one's. */
  #patience(): number {
    return this.#sessions.size === 0 && this.#roll.living > 1 ? SUSPICION * ALONE_PATIENCE : SUSPICION;
  }

  #greeted(claim: Claim, now: number, turn: Turn): void {
    const { node } = claim;
    const known = this.#roll.known(node);
    const order = known ? compareClaims(claim, known) : 1;
    if (order > 0) {
      return this.#roll.adopt(this.#roll.get(node) ?? this.#roll.enter(claim, now), claim, now, turn);
    }
    const entry = this.#roll.get(node);
    if (entry?.claim.state === "suspect" && entry.claim.epoch === claim.epoch) {
      this.#rehabilitate(entry, now, turn);
    }
    if (!entry) turn.answer(node, [known!]);
  }

  /** The suspicion becomes a rumour: its subject hears of it, and refutes it for everybody else. */
  #rehabilitate(entry: Entry, now: number, turn: Turn): void {
    const suspicion = entry.claim;
    entry.claim = { ...suspicion, state: "alive" };
    entry.since = now;
    entry.rumour = suspicion;
    this.#roll.revision++;
    turn.change({ type: "alive", node: suspicion.node, epoch: suspicion.epoch });
    turn.answer(suspicion.node, [suspicion]);
  }

  #hear(heard: Claim, from: PeerId, now: number, turn: Turn): void {
    const claim = readClaim(heard, this.#options.horizon?.());
    if (!claim) return void this.refused.invalid++;
    if (claim.node === this.id) return this.#hearOfMyself(claim, from, turn);
    const known = this.#roll.known(claim.node);
    const order = known ? compareClaims(claim, known) : 1;
    if (order < 0) turn.answer(from, [known!]);
    if (order <= 0) return;
    const entry = this.#roll.get(claim.node);
    if (entry && this.#isRumour(claim, entry, from)) return this.#whisper(claim, entry, turn);
    if (entry) return this.#roll.adopt(entry, claim, now, turn);
    this.#hearOfStranger(claim, from, now);
  }

  /** Nothing is passed on: that a neighbour says so does not make it a node of the network. */
  #hearOfStranger(claim: Claim, from: PeerId, now: number): void {
    const told = this.#hearsay.get(claim.node);
    if (!told && !this.#mayBeSpokenOf(claim, from, now)) return;
    if (isFinal(claim)) {
      if (told && compareClaims(claim, told) > 0) this.#hearsay.delete(claim.node);
      return this.#roll.bury(claim, now);
    }
    if (!this.#hearsay.update(claim, now)) this.#hearsay.add(claim, from, now);
  }

  #hearOfMyself(claim: Claim, from: PeerId, turn: Turn): void {
    if (this.#own.hear(claim) === "stale") turn.answer(from, [this.own]);
  }

  #refute(now: number, turn: Turn): void {
    const { epoch: before } = this.own;
    const claim = this.#own.refute(now);
    if (!claim) return;
    const { epoch, incarnation } = claim;
    turn.change({ type: "refuted", epoch, incarnation, renewed: epoch !== before });
    // Not to all but the accuser: it needs to hear this most.
    turn.change({ type: "gossip", claims: [claim], except: undefined });
  }

  /** Rule 17: what others say of a node's death counts less than its own session, and than its own word. */
  #isRumour(claim: Claim, entry: Entry, from: PeerId): boolean {
    const { node } = claim;
    return from !== node && claim.state !== "alive" && entry.claim.state === "alive" &&
      this.#sessions.has(node);
  }

  #whisper(claim: Claim, entry: Entry, turn: Turn): void {
    if (!entry.rumour || compareClaims(claim, entry.rumour) > 0) {
      entry.rumour = claim;
      this.#doubts.add(claim.node);
    }
    turn.answer(claim.node, [claim]);
  }

  #believeRumour(entry: Entry, now: number, turn: Turn): void {
    const { rumour } = entry;
    entry.rumour = undefined;
    if (rumour && compareClaims(rumour, entry.claim) > 0) this.#roll.adopt(entry, rumour, now, turn);
  }

  #mayBeSpokenOf(claim: Claim, from: PeerId, now: number): boolean {
    if (!(this.#options.allowed?.(claim.node) ?? true)) return refuse(this.refused, "stranger");
    return this.#sessions.get(from)?.take(now) || refuse(this.refused, "flood");
  }

  #sync(now: number): MeshEffect[] {
    if (now < this.#syncAt || this.#sessions.size === 0) return [];
    const { random } = this.#options;
    this.#syncAt = now + SYNC_INTERVAL * (0.75 + random() / 2);
    const to = [...this.#sessions.keys()][Math.floor(random() * this.#sessions.size)]!;
    const claims = claimFrames(this.#all());
    return [{ type: "sync", to }, ...claims.map((part): MeshEffect => ({ type: "tell", to, claims: part }))];
  }
}

function checkUrls(urls: readonly string[]): void {
  if (!validUrls(urls)) throw new RangeError(`a node names at most ${MAX_URLS} serialised ws: or wss: URLs`);
}

function refuse(refused: Members["refused"], reason: keyof Members["refused"]): false {
  refused[reason]++;
  return false;
}
