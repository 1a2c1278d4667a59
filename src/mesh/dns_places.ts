/**
 * What the domain name system says of a network's nodes, at `_waymeet._tcp.NAME`: SRV
 * records (RFC 2782) name hosts and ports, reached by `wss:`; TXT records (RFC 6763 §6)
 * name URLs, `url=wss://…`, and after one, if wanted, `id=…`: who has to answer there.
 *
 * @module
 */
import { parsePeerId, type PeerId } from "../identity/peer_id.ts";
import { validUrls } from "./claim.ts";
import type { Spot } from "./places.ts";

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The name that is asked. */
export function serviceName(domain: string): string {
  return `_waymeet._tcp.${domain}`;
}

/**
 * Places, best first: TXT in their order, then SRV by priority and weight. `malformed`
 * counts what could not be understood. Some runtimes give each string of a TXT record as
 * a record of its own, so an id belongs to the URL before it.
 */
export function spotsOf(
  srv: readonly SrvRecord[],
  txt: readonly (readonly string[])[],
): { spots: Spot[]; malformed: number } {
  const spots = new Map<string, { url: string; expect: PeerId | undefined }>();
  let malformed = 0;
  let last: { url: string; expect: PeerId | undefined } | undefined;
  const add = (text: string) => {
    const url = urlOf(text);
    if (url === undefined) return void malformed++;
    last = spots.get(url) ?? { url, expect: undefined };
    spots.set(url, last);
  };
  for (const word of txt.flat().flatMap((text) => text.split(/\s+/))) {
    if (word.startsWith("url=")) add(word.slice(4));
    else if (word.startsWith("id=") && (!last || !(last.expect = idOf(word.slice(3))))) malformed++;
  }
  for (const { name, port } of [...srv].sort((a, b) => a.priority - b.priority || b.weight - a.weight)) {
    if (name !== "" && name !== ".") add(`wss://${name.replace(/\.$/, "")}:${port}`);
  }
  return { spots: [...spots.values()], malformed };
}

function urlOf(text: string): string | undefined {
  const href = URL.canParse(text) ? new URL(text).href : "";
  return validUrls([href]) ? href : undefined;
}

function idOf(text: string): PeerId | undefined {
  try {
    return parsePeerId(text);
  } catch {
    return undefined;
  }
}
