/**
 * Whom to ask for what is missing: one neighbour at a time, so that a node that joins
 * through several sessions at once gets its snapshot once.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { ASK_PATIENCE } from "./presence_limits.ts";
import type { Points } from "./presence_neighbours.ts";

interface Question {
  readonly of: PeerId;
  /** The points that were told with it. */
  readonly points: Points;
  /** Changes taken before, to see whether the answer brings any. */
  readonly taken: number;
  /** Wall milliseconds of the last frame from there. */
  heard: number;
}

export class Asking {
  readonly #wanted = new Set<PeerId>();
  #question: Question | undefined;

  want(neighbour: PeerId): void {
    this.#wanted.add(neighbour);
  }

  /** The next neighbour to ask, unless one is being asked. */
  next(): PeerId | undefined {
    return this.#question ? undefined : this.#wanted.values().next().value;
  }

  asked(of: PeerId, points: Points, taken: number, now: number): void {
    this.#wanted.delete(of);
    this.#question = { of, points, taken, heard: now };
  }

  heard(from: PeerId, now: number): void {
    if (this.#question?.of === from) this.#question.heard = now;
  }

  /** The question that a digest from there ends. */
  answered(from: PeerId): Question | undefined {
    const question = this.#question;
    if (question?.of !== from) return undefined;
    this.#question = undefined;
    return question;
  }

  /** Gives up on a neighbour that fell silent. */
  tick(now: number): void {
    const heard = this.#question?.heard;
    if (heard !== undefined && (now - heard >= ASK_PATIENCE || now < heard)) this.#question = undefined;
  }

  lost(neighbour: PeerId): void {
    this.#wanted.delete(neighbour);
    if (this.#question?.of === neighbour) this.#question = undefined;
  }
}
