import type { Remote } from "../link/greeting.ts";
import type { Finding } from "../link/seeker.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import { encodeLookup } from "../wire/frames.ts";
import type { Found, HeldBytes, Key, PeerRecord } from "../wire/protocol.ts";
import { Reason, UNASKED } from "../wire/protocol.ts";
import { untoldError, verifyRecord } from "../wire/record.ts";
import { compareBytes } from "../wire/cbor.ts";

/** Milliseconds after which a question to the node counts as unanswered. */
const PATIENCE = 5_000;

/** Milliseconds a dial waits for the session with the node. */
export const NODE_PATIENCE = 10_000;
/** Waits between looking for a peer that is away, milliseconds. */
export const SEEK_FIRST = 100;
export const SEEK_LAST = 2_000;

/** Milliseconds after which the next node is asked as well: the first may have frozen. */
const HEDGE = 400;

function holds(record: PeerRecord, left: number | undefined, now: number): boolean {
  return left === undefined ? untoldError(record, now) === undefined : left > 0;
}

/** What is left of its life tells the time by its peer's clock. */
function met(record: PeerRecord, left: number | undefined, now: number): Remote {
  return left === undefined ? record : { ...record, ahead: record.expires - left - now };
}

/** Questions to the node and their answers. */
export class Lookups {
  readonly #open = new Map<number, { key: Key; settle: (finding: Finding) => void }>();
  readonly #clock: Clock;
  readonly #network: string;
  #last = 0;

  /** `clock.wall` judges the records' times. */
  constructor(clock: Clock, network: string) {
    this.#clock = clock;
    this.#network = network;
  }

  /** Asks the nodes in their order, the next one when the one before knows nothing or is slow to say so. */
  find(sessions: readonly Session[], key: Key): Promise<Finding> {
    return new Promise((resolve) => {
      let best: Finding = { kind: "lost" };
      let open = sessions.length;
      const askFrom = (at: number) => {
        if (at >= sessions.length) return;
        let goOn = () => void (goOn = () => {}, askFrom(at + 1));
        const cancel = this.#clock.after(HEDGE, () => goOn());
        void this.ask(sessions[at]!, key).then((finding) => {
          cancel();
          if (finding.kind !== "lost") best = finding;
          if (finding.kind === "found" || --open === 0) resolve(best);
          else goOn();
        });
      };
      if (open === 0) resolve(best);
      askFrom(0);
    });
  }

  ask(session: Session, key: Key): Promise<Finding> {
    return this.question(key, (frame) => session.send(frame) >= 0);
  }

  /** `send`: takes the question; false when it does not leave. */
  question(key: Key, send: (frame: Uint8Array) => boolean): Promise<Finding> {
    const request = this.#last = (this.#last + 1) >>> 0 || UNASKED + 1;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(PATIENCE, () => settle({ kind: "lost" }));
      const settle = (finding: Finding) => {
        cancel();
        this.#open.delete(request);
        resolve(finding);
      };
      this.#open.set(request, { key, settle });
      if (!send(encodeLookup(request, key))) settle({ kind: "lost" });
    });
  }

  async answer({ request, reason, record }: Found): Promise<void> {
    const asked = this.#open.get(request);
    if (!asked) return;
    if (!record || reason !== Reason.none) {
      return asked.settle({ kind: reason === Reason.absent ? "absent" : "lost" });
    }
    const known = await this.told(record);
    // A record that is forged, stale or somebody else's says only that this node knows no better.
    const genuine = known && compareBytes(known.peer, asked.key) === 0;
    asked.settle(genuine ? { kind: "found", record: known } : { kind: "absent" });
  }

  /** Judges a record that a node told; `undefined` when it is forged or stale. */
  async told(record: HeldBytes): Promise<Remote | undefined> {
    const now = this.#clock.wall();
    const verdict = await verifyRecord(record, { network: this.#network, now });
    if (verdict.error !== undefined || !holds(verdict.record, record.left, now)) return undefined;
    return met(verdict.record, record.left, now);
  }

  /** The session is gone: nobody will answer. */
  lost(): void {
    for (const { settle } of [...this.#open.values()]) settle({ kind: "lost" });
  }
}
