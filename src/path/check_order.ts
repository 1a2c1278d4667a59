/**
 * In which order the other side's candidates are checked. Stacks send one check at a time,
 * 50 ms apart (`Ta`, RFC 8445 §14.2): what cannot answer should not go first.
 *
 * @module
 */
import { isHostCandidate, isReflexiveCandidate, type Words } from "./rtc.ts";

export type Candidate = Words & { type: "candidate" };

export function isCandidate(words: Words): words is Candidate {
  return words.type === "candidate";
}

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 §2.5.6, and names that only mDNS knows. */
const HERE_ONLY =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|f[cd]|fe[89ab]|.*\.local$)/i;

/**
 * The host's own addresses come last where they are of another network than ours, which a
 * public address in common would show; otherwise the order in which they were told stays.
 */
export function inCheckOrder(theirs: readonly Candidate[], ours: readonly Candidate[]): Candidate[] {
  const seen = new Set(reflexive(ours));
  if (reflexive(theirs).some((address) => seen.has(address))) return [...theirs];
  return theirs.toSorted((one, other) => Number(isFar(one)) - Number(isFar(other)));
}

/** Whether both are in one network, as far as can be seen: no NAT is between them. */
export function areNeighbours(theirs: readonly Candidate[], ours: readonly Candidate[]): boolean {
  const nets = new Set(hosts(ours).map(networkOf));
  const [here, there] = [reflexive(ours), reflexive(theirs)];
  const outside = here.length + there.length === 0 || here.some((address) => there.includes(address));
  return outside && hosts(theirs).some((address) => nets.has(networkOf(address)));
}

/** The /24 of an IPv4 address, the /64 of one of IPv6. */
function networkOf(address: string): string {
  const parts = address.split(/[.:]/);
  return (address.includes(":") ? parts.slice(0, 4) : parts.slice(0, 3)).join();
}

function hosts(candidates: readonly Candidate[]): string[] {
  return candidates.map(({ candidate }) => candidate).filter(isHostCandidate).map(addressOf);
}

/** Whether nobody outside the network where it was made can reach it. */
function isFar({ candidate }: Candidate): boolean {
  return isHostCandidate(candidate) && HERE_ONLY.test(addressOf(candidate));
}

function reflexive(candidates: readonly Candidate[]): string[] {
  return candidates.map(({ candidate }) => candidate).filter(isReflexiveCandidate).map(addressOf);
}

/** RFC 8839 §5.1: foundation, component, transport, priority, address. */
function addressOf(candidate: string): string {
  return candidate.split(" ")[4] ?? "";
}
