/** Members in a network where everybody who is spoken of is vouched for at once. */
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { Claim } from "../../src/mesh/claim.ts";
import { Members } from "../../src/mesh/members.ts";
import type { MeshEffect } from "../../src/mesh/mesh_effect.ts";

export class Believing extends Members {
  override receive(from: PeerId, claims: readonly Claim[], now: number): MeshEffect[] {
    return claims.flatMap((claim) => [
      ...super.receive(from, [claim], now),
      ...super.vouch(claim.node, now),
    ]);
  }
}
