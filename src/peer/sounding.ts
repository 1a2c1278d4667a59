import type { Clock } from "../session/clock.ts";

/** Milliseconds a session may say nothing although it was asked: far longer than any honest answer takes. */
const SILENCE = 1_500;
/** Milliseconds from one question to the next: a node ends sessions that ask more than it answers. */
const PAUSE = 3_000;
/** Milliseconds a timer may be late: later, it was this process that stood still, and nothing is read yet. */
const LATE = 200;

/** A session that can be asked for a sign of life. */
export interface Sounded {
  ask(): void;
}

/**
 * Finds a session that died without a word, long before its pings do. A peer has two of
 * them: when a link waits in vain both are asked, and one that says nothing while the
 * other answers is dead. When neither answers it is this peer that is cut off; a new
 * session would help nothing then, so both are left to their pings.
 *
 * Without this a peer whose line to a node broke while that node lives on would be sent
 * to through that node for a minute (RFC 3706 calls it dead peer detection).
 */
export class Sounding<S extends Sounded> {
  readonly #clock: Clock;
  readonly #dead: (session: S) => void;
  readonly #silent = new Set<S>();
  #asked = 0;
  #nextAt = -Infinity;
  #cancel: (() => void) | undefined;
  /** Set while a question waits until it may be asked. */
  #cancelNext: (() => void) | undefined;

  constructor(clock: Clock, dead: (session: S) => void) {
    this.#clock = clock;
    this.#dead = dead;
  }

  /**
   * Asks the sessions; if they were asked a moment ago, again after the pause: what they
   * answered may be older than the doubt, and links that found the other way doubt no more.
   */
  begin(sessions: () => readonly S[]): void {
    const now = this.#clock.now();
    if (this.#cancelNext) return;
    if (now < this.#nextAt) {
      this.#cancelNext = this.#clock.after(this.#nextAt - now, () => this.#next(sessions));
    } else this.#ask(sessions, now);
  }

  #next(sessions: () => readonly S[]): void {
    this.#cancelNext = undefined;
    this.#ask(sessions, this.#clock.now());
  }

  #ask(sessions: () => readonly S[], now: number): void {
    const asked = sessions();
    if (asked.length < 2) return;
    this.#nextAt = now + PAUSE;
    this.#silent.clear();
    for (const session of asked) this.#silent.add(session);
    this.#asked = asked.length;
    this.#cancel?.();
    this.#cancel = this.#clock.after(SILENCE, () => this.#judge(now + SILENCE, sessions));
    for (const session of asked) session.ask();
  }

  /** Something came by this session. */
  heard(session: S): void {
    this.#silent.delete(session);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancelNext?.();
    this.#cancel = this.#cancelNext = undefined;
    this.#silent.clear();
  }

  #judge(due: number, sessions: () => readonly S[]): void {
    this.#cancel = undefined;
    const late = this.#clock.now() - due > LATE;
    const silent = [...this.#silent];
    this.#silent.clear();
    if (late) return silent.length > 0 ? this.begin(sessions) : undefined;
    const dead = silent.length < this.#asked ? silent : [];
    for (const session of dead) this.#dead(session);
  }
}
