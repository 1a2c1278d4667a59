/**
 * What nodes say about each other: a claim is "node N, in its life E, is alive / suspect /
 * dead / has left". Claims about one node are totally ordered, so whoever heard the same
 * claims, in whatever order, believes the same (a join-semilattice).
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { MAX_MEMBERS, MAX_TEXT } from "../wire/limits.ts";
import { MAX_CLAIM_BYTES, MAX_EPOCH, MAX_INCARNATION, MAX_URLS } from "./mesh_limits.ts";

/** In the order of the wire: 0 alive, 1 suspect, 2 dead, 3 left. */
export const CLAIM_STATES = ["alive", "suspect", "dead", "left"] as const;

export type ClaimState = typeof CLAIM_STATES[number];

/** Immutable, so that one object may be shared by all who hold it. */
export interface Claim {
  readonly node: PeerId;
  /** The node's boot, wall milliseconds: one life. */
  readonly epoch: number;
  /** Raised by the node itself to refute a suspicion; 0 when dead or left. */
  readonly incarnation: number;
  readonly state: ClaimState;
  /** Where it can be dialled; empty: it only dials. Always empty when dead or left. */
  readonly urls: readonly string[];
}

/** Dead and left are final: only a higher epoch follows them. */
export function isFinal({ state }: Claim): boolean {
  return state === "dead" || state === "left";
}

/**
 * Positive if `a` overrides `b` (claims about one node): a higher epoch; then final over
 * not, left over dead; then the higher incarnation; then suspect over alive. (SWIM §4.2,
 * with death final for one epoch, so that what was buried with it stays buried.)
 */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  if (isFinal(a) || isFinal(b)) return finality(a) - finality(b);
  return a.incarnation - b.incarnation || rank(a) - rank(b);
}

function rank({ state }: Claim): number {
  return CLAIM_STATES.indexOf(state);
}

function finality(claim: Claim): number {
  return isFinal(claim) ? rank(claim) : 0;
}

/** The claim with what does not matter removed, so that equal claims are equal. */
export function finalClaim(claim: Claim, state: "dead" | "left"): Claim {
  return { node: claim.node, epoch: claim.epoch, incarnation: 0, state, urls: [] };
}

/** As heard from a stranger: normalised, or `undefined` if its numbers or URLs are out of bounds. */
export function readClaim(claim: Claim, horizon: number = MAX_EPOCH): Claim | undefined {
  if (!within(claim.epoch, horizon) || !within(claim.incarnation, MAX_INCARNATION)) return undefined;
  if (!validUrls(claim.urls)) return undefined;
  const { state } = claim;
  return state === "dead" || state === "left" ? finalClaim(claim, state) : claim;
}

function within(value: number, bound: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= bound;
}

/** Only WebSocket URLs: gossip must not make a node call anything else. Printable ASCII, as URLs are when serialised. */
export function validUrls(urls: readonly string[]): boolean {
  return urls.length <= MAX_URLS &&
    urls.every((url) => url.length <= MAX_TEXT && /^wss?:\/\/[\x21-\x7e]+$/.test(url));
}

/** Groups that each fit one `members` frame. */
export function claimFrames(claims: readonly Claim[]): Claim[][] {
  const frames: Claim[][] = [];
  let size = MAX_CLAIM_BYTES;
  for (const claim of claims) {
    const added = claimSize(claim);
    if (size + added > MAX_CLAIM_BYTES || frames.at(-1)!.length === MAX_MEMBERS) {
      frames.push([]);
      size = 0;
    }
    frames.at(-1)!.push(claim);
    size += added;
  }
  return frames;
}

/** Heads 1 + 1, key 34, epoch 9, incarnation 5, state 1; a URL has a head of at most 3. */
function claimSize({ urls }: Claim): number {
  return urls.reduce((size, url) => size + url.length + 3, 51);
}
