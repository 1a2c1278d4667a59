import { type Claim, compareClaims, finalClaim, isFinal } from "./claim.ts";
import { MAX_INCARNATION, REFUTE_PAUSE } from "./mesh_limits.ts";

/**
 * What this node says about itself, and how it contradicts what others say: a suspicion
 * by a higher incarnation; its death, or a life it does not remember, by a higher epoch.
 */
export class OwnClaim {
  #claim: Claim;
  #accusation: Claim | undefined;
  #refutedAt = -Infinity;

  constructor(claim: Claim) {
    this.#claim = claim;
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** `stale`: the speaker does not know the present claim. `accused`: {@link refute} has something to say. */
  hear(claim: Claim): "stale" | "agreed" | "accused" {
    const order = compareClaims(claim, this.#claim);
    if (order < 0) return "stale";
    if (order === 0 || this.#claim.state === "left") return "agreed";
    if (!this.#accusation || compareClaims(claim, this.#accusation) > 0) this.#accusation = claim;
    return "accused";
  }

  /** The new claim, if one is due: at most one per `REFUTE_PAUSE`. */
  refute(now: number): Claim | undefined {
    const accusation = this.#accusation;
    if (!accusation || now - this.#refutedAt < REFUTE_PAUSE) return undefined;
    this.#accusation = undefined;
    this.#refutedAt = now;
    return this.#claim = { ...this.#claim, ...above(accusation, this.#claim) };
  }

  /** It is dialled elsewhere from now on. */
  move(urls: readonly string[]): Claim {
    const { incarnation } = this.#claim;
    return this.#claim = { ...this.#claim, incarnation: incarnation + 1, urls };
  }

  leave(): Claim {
    this.#accusation = undefined;
    return this.#claim = finalClaim(this.#claim, "left");
  }
}

/** The lowest life that overrides `accusation`. */
function above(accusation: Claim, own: Claim): { epoch: number; incarnation: number } {
  const spent = isFinal(accusation) || accusation.incarnation >= MAX_INCARNATION;
  if (spent || accusation.epoch > own.epoch) return { epoch: accusation.epoch + 1, incarnation: 0 };
  return { epoch: own.epoch, incarnation: accusation.incarnation + 1 };
}
