import type { PeerId } from "../identity/peer_id.ts";
import { type Claim, claimFrames, isFinal } from "./claim.ts";
import type { MeshEffect } from "./mesh_effect.ts";

/** Collects what one event brings about, so that the claims of a frame leave as few frames. */
export class Turn {
  readonly #changes: MeshEffect[] = [];
  readonly #gossip: Claim[] = [];
  readonly #answers = new Map<PeerId, Claim[]>();

  change(...changes: MeshEffect[]): void {
    this.#changes.push(...changes);
  }

  gossip(claim: Claim): void {
    this.#gossip.push(claim);
  }

  answer(to: PeerId, claims: readonly Claim[]): void {
    const list = this.#answers.get(to);
    if (list) list.push(...claims);
    else this.#answers.set(to, [...claims]);
  }

  /** `except` said what is gossiped. */
  effects(except: PeerId | undefined): MeshEffect[] {
    const effects = [...this.#changes];
    for (const claims of claimFrames(this.#gossip)) effects.push({ type: "gossip", claims, except });
    for (const [to, list] of this.#answers) {
      for (const claims of claimFrames(list)) effects.push({ type: "tell", to, claims });
    }
    return effects;
  }
}

/** What a newer claim about a node changes for those who watch. */
export function changesBetween(before: Claim, claim: Claim): MeshEffect[] {
  const { node, epoch, state } = claim;
  const born = epoch > before.epoch && !isFinal(claim);
  const joined: MeshEffect[] = born ? [{ type: "joined", node, epoch }] : [];
  const turned = before.state !== state || before.epoch !== epoch;
  return !turned || (born && state === "alive") ? joined : [...joined, { type: state, node, epoch }];
}
