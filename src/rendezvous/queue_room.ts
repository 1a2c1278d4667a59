/**
 * Room in the queue of one socket, and whose bytes take it (protocol rule 11).
 *
 * @module
 */
import type { Session } from "../session/session.ts";
import { Shares } from "./shares.ts";

/** Bytes from which the shares of a queue are counted: shorter ones starve nobody. */
const LONG_QUEUE = 65_536;

/** Who has a queue: a seat, a neighbour, or what leads to all of them. */
export interface Queued {
  session: Pick<Session, "buffered">;
  /** Bytes waiting in the socket as the latest send reported them. */
  waiting: number;
  /** Whose bytes wait, once many do. */
  shares: Shares<object> | undefined;
}

/** Whether `size` bytes of `from` may join the queue of `to`, which holds at most `queue` bytes. */
export function hasRoom(to: Queued, from: object, size: number, queue: number): boolean {
  if (to.waiting === 0) return true;
  const waiting = to.waiting = to.session.buffered;
  if (waiting <= LONG_QUEUE) to.shares = undefined;
  const free = queue - waiting;
  if (size > free) return false;
  to.shares?.settle(waiting);
  return to.shares?.allows(from, size, free) !== false;
}

/** The socket took `size` bytes of `from` and reports `waiting` in all. */
export function joined(to: Queued, from: object, size: number, waiting: number): void {
  to.waiting = waiting;
  if (waiting > LONG_QUEUE) (to.shares ??= new Shares()).add(from, size);
}
