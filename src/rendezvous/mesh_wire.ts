/** Claims and nonces, between memory and wire. */
import { peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import { type Claim, CLAIM_STATES } from "../mesh/claim.ts";
import type { Member as WireMember, MemberState } from "../wire/mesh_protocol.ts";

export function claimOf({ node, epoch, incarnation, state, urls }: WireMember): Claim {
  return { node: peerIdText(node), epoch, incarnation, state: CLAIM_STATES[state]!, urls };
}

export function onWire({ node, epoch, incarnation, state, urls }: Claim): WireMember {
  const number = CLAIM_STATES.indexOf(state) as MemberState;
  return { node: peerIdBytes(node), epoch, incarnation, state: number, urls: [...urls] };
}

/** Seven bytes, big-endian: any number on the wire is below 2^53. */
export function nonceBytes(nonce: number): Uint8Array {
  const bytes = new Uint8Array(7);
  for (let at = 6, rest = nonce; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  return bytes;
}

export function nonceNumber(bytes: Uint8Array): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
