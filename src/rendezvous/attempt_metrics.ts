import { Reason } from "../wire/protocol.ts";
import { count, type Counts, Durations, type Page } from "./exposition.ts";

/** Upper bounds of the buckets, seconds: a path in the same LAN to the longest of the default deadlines. */
const DURATIONS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OUTCOMES: readonly Reason[] = [
  Reason.connected,
  Reason.refused,
  Reason.unanswered,
  Reason.noCandidatePair,
  Reason.timedOut,
  Reason.cancelled,
  Reason.peerGone,
];

/** What a node counts about the attempts it brokers. */
export class AttemptMetrics {
  /** Attempts that gave way to one that the other side asked for. */
  superseded = 0;
  /** Frames about attempts that were dropped: too many, or not of a kind that the sender may send. */
  stray = 0;
  readonly #outcomes: Counts = new Map(OUTCOMES.map((outcome) => [outcome, 0]));
  readonly #denied: Counts = new Map();
  readonly #durations = new Durations(DURATIONS);

  /** An attempt had this outcome after that many milliseconds. */
  ended(outcome: Reason, milliseconds: number): void {
    count(this.#outcomes, outcome, 1);
    this.#durations.add(milliseconds);
  }

  denied(reason: Reason): void {
    count(this.#denied, reason, 1);
  }

  /** How many attempts had this outcome. */
  of(outcome: Reason): number {
    return this.#outcomes.get(outcome) ?? 0;
  }

  expose(page: Page, open: number): void {
    page.byReason("attempts_total", "Attempts to punch a path, by outcome.", this.#outcomes, "outcome");
    page.byReason("attempts_denied_total", "Attempts that were asked for in vain.", this.#denied);
    page.one(
      "attempts_superseded_total",
      "counter",
      "Attempts that gave way to the other side's.",
      this.superseded,
    );
    page.one("attempts_open", "gauge", "Attempts under way now.", open);
    page.one("attempt_frames_stray_total", "counter", "Frames about attempts that were dropped.", this.stray);
    this.#durations.expose(page, "attempt_duration_seconds", "From the asking to the outcome.");
  }
}
