/**
 * The subjects of one network. Names and ids become single tokens, so that nothing from outside is a
 * wildcard (protocol rule 22):
 *
 *     waymeet.NETWORK.to.NODE.PEER             data frames for a peer at a node
 *     waymeet.NETWORK.back.NODE.NTH.FROM.TO    answers to what a node sent there: it was not delivered
 *     waymeet.NETWORK.node.NODE.BY             control frames for a node
 *     waymeet.NETWORK.all.BY                   control frames for all nodes
 *     waymeet.NETWORK.find                     questions for a record; a queue group, one node answers
 *
 * The last token of what a node says of itself is its id, so that NATS permissions can hold it to that.
 *
 * @module
 */
import { type PeerId, peerIdBytes, tryPeerId } from "../identity/peer_id.ts";

/** Who wanted to reach whom, through which node. */
export interface Undelivered {
  /** The number of the node, as its sender counts them. */
  readonly through: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** The prefix of all subjects of a network. */
export function natsPrefix(network: string): string {
  return `waymeet.${token(network)}`;
}

/** Any text as one token: all but letters, digits, `-` and `_` by their UTF-8 bytes, as in URLs. */
function token(text: string): string {
  const escape = (sign: string) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[.!~*'()]/g, escape) || "%";
}

export class NatsSubjects {
  readonly prefix: string;
  readonly find: string;
  readonly #node: PeerId;
  readonly #back: string;

  constructor(network: string, node: PeerId) {
    this.prefix = natsPrefix(network);
    this.find = `${this.prefix}.find`;
    this.#node = node;
    this.#back = `${this.prefix}.back.${node}.`;
  }

  /** What this node subscribes to, besides {@link find}. */
  get own(): { to: string; back: string; node: string; all: string } {
    const { prefix } = this;
    const node = this.#node;
    return {
      to: `${prefix}.to.${node}.*`,
      back: `${this.#back}*.*.*`,
      node: `${prefix}.node.${node}.*`,
      all: `${prefix}.all.*`,
    };
  }

  get all(): string {
    return `${this.prefix}.all.${this.#node}`;
  }

  node(to: PeerId): string {
    return `${this.prefix}.node.${to}.${this.#node}`;
  }

  to(node: PeerId, peer: PeerId): string {
    return `${this.prefix}.to.${node}.${peer}`;
  }

  back(through: number, source: PeerId, destination: PeerId): string {
    return `${this.#back}${through}.${source}.${destination}`;
  }

  /** Whether a reply may be written to: no stranger has this node publish where it may not itself. */
  isReply(subject: string): boolean {
    return subject.startsWith(`${this.prefix}.back.`) || subject.startsWith(`${this.prefix}.inbox.`);
  }

  readBack(subject: string): Undelivered | undefined {
    const [through, from, to] = subject.slice(this.#back.length).split(".");
    const [source, destination] = [keyOf(from), keyOf(to)];
    return source && destination && { through: Number(through), source, destination };
  }
}

/** The last token. */
export function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

/** The node that says so, if the token is an id as ids are written. */
export function speakerOf(subject: string): PeerId | undefined {
  const text = lastToken(subject);
  return tryPeerId(text) === text ? text as PeerId : undefined;
}

/** The bytes of an id that need not be a valid key: whoever is not here is not found. */
export function keyOf(text: string | undefined): Uint8Array | undefined {
  return text !== undefined && /^[a-z2-7]{51}[aq]$/.test(text) ? peerIdBytes(text as PeerId) : undefined;
}
