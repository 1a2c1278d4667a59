/**
 * Membership: which nodes of the network live, as gossip tells it. SWIM (Das, Gupta,
 * Motivala 2002) with suspicion and incarnations; here a death is final for one epoch,
 * and a ready session with a node is proof of life that hearsay never overrides.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { type Claim, claimFrames, compareClaims, finalClaim, isFinal, readClaim, validUrls } from "./claim.ts";
import { Graves } from "./graves.ts";
import { Introductions } from "./introductions.ts";
import type { MeshEffect } from "./mesh_effect.ts";
import {
  ALONE_PATIENCE,
  FORGET,
  MAX_MEMBERS,
  MAX_URLS,
  PROBE_INTERVAL,
  SUSPICION,
  SYNC_INTERVAL,
} from "./mesh_limits.ts";
import { OwnClaim } from "./own_claim.ts";

export interface MembersOptions {
  id: PeerId;
  /** When this process began, wall milliseconds. */
  epoch: number;
  /** Where this node can be dialled, as `URL.href` gives it; empty: it only dials. */
  urls: readonly string[];
  /** Uniform in [0, 1). */
  random: () => number;
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

interface Entry {
  claim: Claim;
  /** The latest it named, kept when it is dead: it is dialled again. */
  urls: readonly string[];
  since: number;
  /** The worst that was heard against a node with a session: believed when the session ends. */
  rumour: Claim | undefined;
}

/** What one event brings about. */
interface Turn {
  readonly changes: MeshEffect[];
  readonly gossip: Claim[];
  readonly answers: Map<PeerId, Claim[]>;
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
  readonly #entries = new Map<PeerId, Entry>();
  readonly #graves = new Graves();
  readonly #sessions = new Map<PeerId, Introductions>();
  readonly #doubts = new Set<PeerId>();
  readonly #options: MembersOptions;
  #syncAt = 0;
  #revision = 0;

  /** @throws {RangeError} when `urls` are more than `MAX_URLS`, too long or no WebSocket URLs. */
  constructor(options: MembersOptions) {
    const { id, epoch, urls } = options;
    if (!validUrls(urls)) throw new RangeError(`a node names at most ${MAX_URLS} serialised ws: or wss: URLs`);
    this.id = id;
    this.#options = options;
    this.#own = new OwnClaim({ node: id, epoch, incarnation: 0, state: "alive", urls: [...urls] });
  }

  /** What this node says about itself. */
  get own(): Claim {
    return this.#own.claim;
  }

  /** Nodes with a ready session. */
  get sessions(): ReadonlySet<PeerId> | ReadonlyMap<PeerId, unknown> {
    return this.#sessions;
  }

  /** Grows whenever a node joins, changes its state, or is forgotten. */
  get revision(): number {
    return this.#revision;
  }

  /** How many nodes are listed, dead ones included. */
  get size(): number {
    return this.#entries.size;
  }

  get(node: PeerId): Member | undefined {
    const entry = this.#entries.get(node);
    return entry && this.#member(entry);
  }

  *[Symbol.iterator](): IterableIterator<Member> {
    for (const entry of this.#entries.values()) yield this.#member(entry);
  }

  /** A session with `node` is ready and it has greeted. Also when it replaced another one. */
  sessionUp(node: PeerId, epoch: number, urls: readonly string[], now: number): MeshEffect[] {
    const turn = newTurn();
    if (!this.#sessions.has(node)) this.#sessions.set(node, new Introductions(now));
    const named = urls.filter((url) => validUrls([url])).slice(0, MAX_URLS);
    this.#greeted({ node, epoch, incarnation: 0, state: "alive", urls: named }, now, turn);
    answer(turn, node, this.#all());
    return effectsOf(turn, node);
  }

  /** The last session with `node` ended: what was heard against it meanwhile counts now, and it is probed next. */
  sessionDown(node: PeerId, now: number): MeshEffect[] {
    const turn = newTurn();
    this.#sessions.delete(node);
    const entry = this.#entries.get(node);
    if (!entry) return [];
    this.#doubts.add(node);
    this.#believeRumour(entry, now, turn);
    return effectsOf(turn, undefined);
  }

  /** What the node at the other end of a session says. */
  receive(from: PeerId, claims: readonly Claim[], now: number): MeshEffect[] {
    const turn = newTurn();
    for (const claim of claims) this.#hear(claim, from, now, turn);
    this.#refute(now, turn);
    return effectsOf(turn, from);
  }

  /** Probing found no sign of life: first-hand, so a session does not protect `node`. */
  suspect(node: PeerId, now: number): MeshEffect[] {
    const entry = this.#entries.get(node);
    if (entry?.claim.state !== "alive") return [];
    const turn = newTurn();
    this.#adopt(entry, { ...entry.claim, state: "suspect" }, now, turn);
    this.#believeRumour(entry, now, turn);
    return effectsOf(turn, undefined);
  }

  /**
   * Somebody holds what this node said under `epoch`, later than anything it remembers
   * (presence or edges of a former life): it takes a higher epoch.
   */
  outbid(epoch: number, now: number): MeshEffect[] {
    const past: Claim = { ...this.own, epoch, incarnation: 0, state: "dead", urls: [] };
    return this.receive(this.id, [past], now);
  }

  /** Says goodbye; nothing is refuted afterwards. */
  leave(): MeshEffect[] {
    return [{ type: "gossip", claims: [this.#own.leave()], except: undefined }];
  }

  /** Suspects that did not refute die, dead ones are forgotten, a sync goes out. Called by {@link Probing}. */
  tick(now: number): MeshEffect[] {
    const turn = newTurn();
    const patience = this.#alone() ? SUSPICION * ALONE_PATIENCE : SUSPICION;
    for (const entry of this.#entries.values()) {
      const age = now - entry.since;
      if (entry.claim.state === "suspect" && age >= patience) {
        this.#adopt(entry, finalClaim(entry.claim, "dead"), now, turn);
      } else if (isFinal(entry.claim) && age >= FORGET) this.#forget(entry, now);
    }
    this.#graves.tick(now);
    this.#refute(now, turn);
    return [...effectsOf(turn, undefined), ...this.#sync(now)];
  }

  /** This process stood still for `late` ms: refutations may lie unread, so every suspect gets that time and an interval more. */
  excuse(late: number, now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.claim.state !== "suspect") continue;
      entry.since = Math.min(now, Math.max(entry.since + late, now - SUSPICION + PROBE_INTERVAL));
    }
  }

  /** A node there is reason to probe before its turn. */
  takeDoubt(): PeerId | undefined {
    for (const node of this.#doubts) {
      this.#doubts.delete(node);
      const entry = this.#entries.get(node);
      if (entry && !isFinal(entry.claim)) return node;
    }
    return undefined;
  }

  #member(entry: Entry): Member {
    const { claim, urls, since } = entry;
    return { ...claim, urls, since, session: this.#sessions.has(claim.node) };
  }

  #all(): Claim[] {
    return [this.own, ...Array.from(this.#entries.values(), (entry) => entry.claim)];
  }

  /** With one other node there is no telling whose side broke; with several, it is more likely this one's. */
  #alone(): boolean {
    return this.#sessions.size === 0 && this.#entries.size > 1;
  }

  #greeted(claim: Claim, now: number, turn: Turn): void {
    const { node } = claim;
    const known = this.#known(node);
    const order = known ? compareClaims(claim, known) : 1;
    if (order > 0) return this.#adopt(this.#entries.get(node) ?? this.#enter(claim, now), claim, now, turn);
    const entry = this.#entries.get(node);
    if (entry?.claim.state === "suspect" && entry.claim.epoch === claim.epoch) this.#rehabilitate(entry, now, turn);
    if (!entry) answer(turn, node, [known!]);
  }

  /** The suspicion becomes a rumour: its subject hears of it, and refutes it for everybody else. */
  #rehabilitate(entry: Entry, now: number, turn: Turn): void {
    const suspicion = entry.claim;
    entry.claim = { ...suspicion, state: "alive" };
    entry.since = now;
    entry.rumour = suspicion;
    this.#revision++;
    turn.changes.push({ type: "alive", node: suspicion.node, epoch: suspicion.epoch });
    answer(turn, suspicion.node, [suspicion]);
  }

  #hear(heard: Claim, from: PeerId, now: number, turn: Turn): void {
    const claim = readClaim(heard);
    if (!claim) return void this.refused.invalid++;
    if (claim.node === this.id) return this.#hearOfMyself(claim, from, turn);
    const known = this.#known(claim.node);
    const order = known ? compareClaims(claim, known) : 1;
    if (order < 0) answer(turn, from, [known!]);
    if (order <= 0) return;
    const entry = this.#entries.get(claim.node);
    if (entry && this.#isRumour(claim, entry, from)) return this.#whisper(claim, entry, turn);
    if (entry) return this.#adopt(entry, claim, now, turn);
    if (this.#mayEnter(claim, from, known !== undefined, now)) this.#introduce(claim, now, turn);
  }

  #hearOfMyself(claim: Claim, from: PeerId, turn: Turn): void {
    if (this.#own.hear(claim) === "stale") answer(turn, from, [this.own]);
  }

  #refute(now: number, turn: Turn): void {
    const { epoch: before } = this.own;
    const claim = this.#own.refute(now);
    if (!claim) return;
    const { epoch, incarnation } = claim;
    turn.changes.push({ type: "refuted", epoch, incarnation, renewed: epoch !== before });
    // Not to all but the accuser: it needs to hear this most.
    turn.changes.push({ type: "gossip", claims: [claim], except: undefined });
  }

  /** Rule 17: what others say of a node's death counts less than its own session, and than its own word. */
  #isRumour(claim: Claim, entry: Entry, from: PeerId): boolean {
    const { node } = claim;
    return from !== node && claim.state !== "alive" && entry.claim.state === "alive" && this.#sessions.has(node);
  }

  #whisper(claim: Claim, entry: Entry, turn: Turn): void {
    if (!entry.rumour || compareClaims(claim, entry.rumour) > 0) {
      entry.rumour = claim;
      this.#doubts.add(claim.node);
    }
    answer(turn, claim.node, [claim]);
  }

  #believeRumour(entry: Entry, now: number, turn: Turn): void {
    const { rumour } = entry;
    entry.rumour = undefined;
    if (rumour && compareClaims(rumour, entry.claim) > 0) this.#adopt(entry, rumour, now, turn);
  }

  #known(node: PeerId): Claim | undefined {
    return this.#entries.get(node)?.claim ?? this.#graves.get(node);
  }

  #mayEnter(claim: Claim, from: PeerId, returns: boolean, now: number): boolean {
    const { refused } = this;
    if (!(this.#options.allowed?.(claim.node) ?? true)) return refuse(refused, "stranger");
    if (!returns && !this.#sessions.get(from)?.take(now)) return refuse(refused, "flood");
    if (!isFinal(claim) && this.#entries.size >= MAX_MEMBERS && !this.#makeRoom(now)) return refuse(refused, "full");
    return true;
  }

  /** Somebody who is gone before we ever heard of them is buried unseen. */
  #introduce(claim: Claim, now: number, turn: Turn): void {
    if (isFinal(claim)) this.#graves.dig(claim, now);
    else this.#adopt(this.#enter(claim, now), claim, now, turn);
  }

  #enter(claim: Claim, now: number): Entry {
    const grave = this.#graves.get(claim.node);
    const unborn = grave ?? finalClaim({ ...claim, epoch: -1 }, "dead");
    const entry: Entry = { claim: unborn, urls: claim.urls, since: now, rumour: undefined };
    this.#graves.delete(claim.node);
    this.#entries.set(claim.node, entry);
    return entry;
  }

  /** The dead make room for the living. */
  #makeRoom(now: number): boolean {
    for (const entry of this.#entries.values()) {
      if (!isFinal(entry.claim) || this.#sessions.has(entry.claim.node)) continue;
      this.#forget(entry, now);
      return true;
    }
    return false;
  }

  #forget({ claim }: Entry, now: number): void {
    this.#entries.delete(claim.node);
    this.#graves.dig(claim, now);
    this.#revision++;
  }

  #adopt(entry: Entry, claim: Claim, now: number, turn: Turn): void {
    const before = entry.claim;
    const turned = before.state !== claim.state || before.epoch !== claim.epoch;
    entry.claim = claim;
    if (turned || claim.state === "suspect") entry.since = now;
    if (!isFinal(claim)) entry.urls = claim.urls;
    if (entry.rumour && compareClaims(entry.rumour, claim) <= 0) entry.rumour = undefined;
    if (turned) this.#revision++;
    turn.gossip.push(claim);
    turn.changes.push(...changesBetween(before, claim));
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

function newTurn(): Turn {
  return { changes: [], gossip: [], answers: new Map() };
}

function answer({ answers }: Turn, to: PeerId, claims: readonly Claim[]): void {
  const list = answers.get(to);
  if (list) list.push(...claims);
  else answers.set(to, [...claims]);
}

function effectsOf({ changes, gossip, answers }: Turn, except: PeerId | undefined): MeshEffect[] {
  const effects = changes;
  for (const claims of claimFrames(gossip)) effects.push({ type: "gossip", claims, except });
  for (const [to, list] of answers) {
    for (const claims of claimFrames(list)) effects.push({ type: "tell", to, claims });
  }
  return effects;
}

function refuse(refused: Members["refused"], reason: keyof Members["refused"]): false {
  refused[reason]++;
  return false;
}

function changesBetween(before: Claim, { node, epoch, state }: Claim): MeshEffect[] {
  const changes: MeshEffect[] = [];
  const born = epoch > before.epoch && state !== "dead" && state !== "left";
  if (born) changes.push({ type: "joined", node, epoch });
  if (state === "alive" ? !born && before.state === "suspect" : before.state !== state || before.epoch !== epoch) {
    changes.push({ type: state, node, epoch });
  }
  return changes;
}
