/**
 * What a node writes into its log of things that strangers can cause at will: the first few of each kind in
 * full, then how many more there were. A flood that is logged line by line fills the disk and takes the
 * time of those who are served.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import { peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { logEvent, type NodeEventDetail, type NodeEventType } from "./events.ts";

/** Milliseconds that one count lasts. */
export const JOURNAL_WINDOW = 10_000;
/** Lines of one kind within it: enough to see who it is, and at most five a second. */
export const JOURNAL_LINES = 50;
/** Kinds that are told apart; a reason code of a stranger's goodbye may be any of a thousand. */
const MOST_KINDS = 256;

/** Parts of a node that refuse, as its log names them. */
export const REFUSERS = [
  /** A data frame was not delivered. */
  "frame",
  /** A peer sends more than it may, and was told. */
  "rate",
  "lookup",
  "record",
  "watch",
  "announcement",
  "attempt",
  /** A frame about an attempt, beyond the rate or from the wrong side. */
  "attempt-frame",
  /** A frame of a kind that a peer has no business to send. */
  "stray-frame",
  /** Somebody was sent away because memory was short. */
  "memory",
  /** A request over HTTP. */
  "request",
  /** Something of another node. */
  "mesh",
] as const;
export type Refuser = (typeof REFUSERS)[number];

/** What happens whenever a peer leaves, and is no reason for a line of its own at the usual level. */
const ORDINARY: readonly string[] = [Reason.absent, Reason.gone].map(reasonName);

interface Kind {
  lines: number;
  more: number;
}

export class Journal {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  #ends = -Infinity;
  #cancel: (() => void) | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A session began or ended, or a handshake failed. */
  event(type: NodeEventType, detail: NodeEventDetail): void {
    if (this.#reads && this.#admits(`${type} ${detail.reason}`)) logEvent(this.#log, type, detail);
  }

  /** Somebody was turned away at the door. `peer` is a claim. */
  turnedAway(peer: string, address: string, reason: Reason, text: string): void {
    if (!this.#admits(`door ${reasonName(reason)}`)) return;
    const properties = { event: "turned-away", peer, address, reason: reasonName(reason), text };
    this.#log.warn("refused {peer} from {address}: {text}", properties);
  }

  /** Something was refused to somebody who is here, or who is not yet known. */
  refused(refuser: Refuser, reason: Reason | string, who?: Key | string): void {
    if (!this.#reads) return;
    const name = typeof reason === "string" ? reason : reasonName(reason);
    if (!this.#admits(`${refuser} ${name}`)) return;
    const peer = who instanceof Uint8Array ? peerIdText(who) : who ?? "";
    const properties = { event: "refusal", refuser, reason: name, peer };
    const text = "{refuser} refused to {peer}: {reason}";
    if (ORDINARY.includes(name)) this.#log.debug(text, properties);
    else this.#log.info(text, properties);
  }

  /** Tells what was not logged one by one. */
  close(): void {
    this.#cancel?.();
    this.#summarize();
  }

  /** Whether anybody reads what is said at the usual level. */
  get #reads(): boolean {
    return this.#log.isEnabledFor("info");
  }

  #admits(name: string): boolean {
    const now = this.#clock.now();
    if (now >= this.#ends) this.#begin(now);
    const kind = this.#kindOf(name);
    if (kind.lines++ < JOURNAL_LINES) return true;
    kind.more++;
    this.#cancel ??= this.#clock.after(this.#ends - now, () => this.#summarize());
    return false;
  }

  #begin(now: number): void {
    this.#cancel?.();
    this.#summarize();
    this.#ends = now + JOURNAL_WINDOW;
  }

  #kindOf(name: string): Kind {
    const called = this.#kinds.has(name) || this.#kinds.size < MOST_KINDS ? name : "others";
    const kind = this.#kinds.get(called) ?? { lines: 0, more: 0 };
    this.#kinds.set(called, kind);
    return kind;
  }

  #summarize(): void {
    this.#cancel = undefined;
    for (const [kind, { more }] of this.#kinds) {
      if (more > 0) {
        const seconds = JOURNAL_WINDOW / 1_000;
        this.#log.warn("{more} more of {kind} within {seconds} s", {
          ...{ event: "sampled", kind, more, seconds },
        });
      }
    }
    this.#kinds.clear();
  }
}
