/** Whom an operator does not want back for a while. Pure: time comes with each call. */
import { type BanSubject, parseSubject, prefixKeys, type Visitor } from "./ban_subject.ts";
import { Reason } from "../wire/protocol.ts";
import type { Refusal } from "./refusal.ts";

export interface Ban {
  /** A PeerId, an address, a prefix, or `agent:` and a part of a user agent: see {@link parseSubject}. */
  subject: string;
  /** Shown to whom it is about. */
  reason: string;
  /** Milliseconds since 1970; `Infinity`: until it is lifted. */
  until: number;
}

/** Most bans at a time, some 300 bytes each: an operator's list, not a blocklist of the internet. */
export const MAX_BANS = 20_000;

interface Held {
  ban: Ban;
  subject: BanSubject;
}

/** Bans end by themselves; what has ended is forgotten when the next one is added. */
export class Bans {
  readonly #bySubject = new Map<string, Held>();
  readonly #byPrefix = new Map<string, Ban>();
  readonly #agents = new Map<string, Ban>();
  /** How many bans there are of each prefix length, so that an address is looked up once for each. */
  readonly #lengths = new Map<number, number>();

  /**
   * Adds a ban, or changes the one of the same subject.
   *
   * @throws {RangeError} when the subject is none, or there are {@link MAX_BANS}.
   */
  add(ban: Ban, now: number): void {
    for (const { ban: { subject, until } } of [...this.#bySubject.values()]) {
      if (until <= now) this.lift(subject);
    }
    const subject = parseSubject(ban.subject);
    if (subject === undefined) throw new RangeError(noSubject(ban.subject));
    this.lift(subject.text);
    if (this.#bySubject.size >= MAX_BANS) throw new RangeError(`there are ${MAX_BANS} bans; lift some first`);
    const held = { ...ban, subject: subject.text };
    this.#bySubject.set(subject.text, { ban: held, subject });
    if (subject.kind === "agent") this.#agents.set(subject.part, held);
    if (subject.kind === "address") this.#addPrefix(subject.key, subject.bits, held);
  }

  /** False when there was none. */
  lift(text: string): boolean {
    const held = this.#bySubject.get(parseSubject(text)?.text ?? text);
    if (held === undefined) return false;
    const { subject } = held;
    this.#bySubject.delete(subject.text);
    if (subject.kind === "agent") this.#agents.delete(subject.part);
    if (subject.kind === "address") this.#removePrefix(subject.key, subject.bits);
    return true;
  }

  /** Those that hold now. */
  list(now: number): Ban[] {
    return [...this.#bySubject.values()].map(({ ban }) => ban).filter(({ until }) => until > now);
  }

  /** The ban that holds for this visitor now. */
  find({ peer, address, agent }: Visitor, now: number): Ban | undefined {
    if (this.#bySubject.size === 0) return undefined;
    const own = peer === undefined ? undefined : this.#bySubject.get(peer)?.ban;
    return [own, ...this.#ofAddress(address), ...this.#ofAgent(agent)].find((ban) =>
      ban !== undefined && ban.until > now
    );
  }

  /** Why this visitor is turned away now. */
  refusal(visitor: Visitor, now: number): Refusal | undefined {
    const ban = this.find(visitor, now);
    if (ban === undefined) return undefined;
    const until = ban.until === Infinity ? "" : `, until ${new Date(ban.until).toISOString()}`;
    return { reason: Reason.banned, text: ban.reason + until };
  }

  #ofAddress(address: string | undefined): (Ban | undefined)[] {
    if (!address || this.#byPrefix.size === 0) return [];
    return prefixKeys(address, this.#lengths.keys()).map((key) => this.#byPrefix.get(key));
  }

  #ofAgent(agent: string | undefined): Ban[] {
    if (!agent || this.#agents.size === 0) return [];
    const text = agent.toLowerCase();
    return [...this.#agents].flatMap(([part, ban]) => text.includes(part) ? [ban] : []);
  }

  #addPrefix(key: string, bits: number, ban: Ban): void {
    this.#byPrefix.set(key, ban);
    this.#lengths.set(bits, (this.#lengths.get(bits) ?? 0) + 1);
  }

  #removePrefix(key: string, bits: number): void {
    this.#byPrefix.delete(key);
    const left = this.#lengths.get(bits)! - 1;
    if (left === 0) this.#lengths.delete(bits);
    else this.#lengths.set(bits, left);
  }
}

/** What to write instead of what is no subject. */
export function noSubject(text: string): string {
  return `${JSON.stringify(text)} is nobody to ban: write a PeerId, an address (192.0.2.7), a prefix ` +
    `(2001:db8::/32) or a part of a user agent (agent:badbot/)`;
}
