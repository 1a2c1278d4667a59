import { MAX_BATCH } from "../wire/limits.ts";
import { concatFrames } from "../wire/sequence.ts";
import { Scratch } from "./scratch.ts";

/** Bytes that leave alone: what is longer gains less by company than copying it costs. */
export const SHORT = 20_480;
/** Bytes that leave at once. */
const FULL = 65_536;

/**
 * After so many turns that brought a session one batch each, the next one leaves at once. It would wait for nobody,
 * and what a frame touches once more at the turn's end has left the processor's caches by then.
 */
const LONE_TURNS = 8;

/** Who has something to send when a turn of the event loop is over. */
export interface Settling {
  /** The latest turn that brought it a batch, and how many before, in a row, brought but one: of {@link Turn.isLone}. */
  turn: number;
  loneTurns: number;
  /** MUST NOT throw. Once too often does nothing. */
  settle(): void;
}

/** What one session gathers in a turn. */
export class Gathered {
  readonly #batches: Uint8Array[] = [];
  frames = 0;
  size = 0;

  fits(size: number, frames: number): boolean {
    return this.size + size <= FULL && this.frames + frames <= MAX_BATCH;
  }
  add(batch: Uint8Array, frames: number): void {
    this.#batches.push(batch);
    this.frames += frames;
    this.size += batch.length;
  }
  /** All of it; in bytes of the scratch if there is one and they were several. */
  bytes(scratch: Scratch | undefined): Uint8Array {
    const batches = this.#batches;
    if (batches.length === 1) return batches[0]!;
    if (scratch === undefined) return concatFrames(batches);
    const joined = scratch.space(0, this.size);
    let at = 0;
    for (let i = 0; i < batches.length; i++) {
      joined.set(batches[i]!, at);
      at += batches[i]!.length;
    }
    return scratch.taken(this.size);
  }
  clear(): void {
    this.#batches.length = this.frames = this.size = 0;
  }
}

/**
 * A turn of the event loop, for all sessions of a node: what comes to one peer in it, in however many
 * messages of however many others, leaves at its end as one. A runtime reads all that a busy socket
 * has in one turn, and a message of its own costs it 2 µs, whatever it holds.
 */
export class Turn {
  readonly #soon: (run: () => void) => void;
  /** Where batches are joined that a socket copies at once: one for all. */
  readonly scratch: Scratch = new Scratch();
  #number = 0;
  #begun = false;
  #waiting: Settling[] = [];
  #spare: Settling[] = [];
  readonly #cleared: Gathered[] = [];
  readonly #end = (): void => this.#settleAll();

  /** `soon` as in `Clock`. */
  constructor(soon: (run: () => void) => void) {
    this.#soon = soon;
  }

  /** Whether the batch that came for a session seems to be the only one in this turn. To be asked once for each. */
  isLone(session: Settling): boolean {
    const first = session.turn !== this.#now();
    session.turn = this.#number;
    if (!first) session.loneTurns = 0;
    else if (session.loneTurns === LONE_TURNS) return true;
    else session.loneTurns++;
    return false;
  }

  /** The first of this turn for a session, which is told when the turn is over. */
  begin(session: Settling): Gathered {
    this.#now();
    this.#waiting.push(session);
    return this.#cleared.pop() ?? new Gathered();
  }

  /** What was gathered has left. */
  done(gathered: Gathered): void {
    gathered.clear();
    if (this.#cleared.length < MAX_BATCH) this.#cleared.push(gathered);
  }

  /** Tells this turn from others. */
  #now(): number {
    if (!this.#begun) this.#soon(this.#end);
    this.#begun = true;
    return this.#number;
  }

  #settleAll(): void {
    this.#begun = false;
    this.#number = this.#number + 1 | 0; // those of a day ago are forgotten
    const waiting = this.#waiting;
    this.#waiting = this.#spare;
    for (let i = 0; i < waiting.length; i++) waiting[i]!.settle();
    waiting.length = 0;
    this.#spare = waiting;
  }
}
