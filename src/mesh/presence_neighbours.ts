/** What each neighbour is believed to know, so that nobody is sent what it has. */
import type { PeerId } from "../identity/peer_id.ts";
import type { PresenceDelta } from "../wire/mesh_protocol.ts";
import type { Point } from "./presence_table.ts";

export type Points = Map<PeerId, Point>;

/** Whether `point` knows more than `than`. */
export function isAhead(point: Point, than: Point | undefined): boolean {
  if (!than) return true;
  return point.epoch > than.epoch || (point.epoch === than.epoch && point.version > than.version);
}

export class Neighbours {
  /** `undefined` until a neighbour's first digest. */
  readonly #points = new Map<PeerId, Points | undefined>();

  add(neighbour: PeerId): void {
    this.#points.set(neighbour, undefined);
  }

  remove(neighbour: PeerId): void {
    this.#points.delete(neighbour);
  }

  has(neighbour: PeerId): boolean {
    return this.#points.has(neighbour);
  }

  all(): PeerId[] {
    return [...this.#points.keys()];
  }

  points(neighbour: PeerId): Points | undefined {
    return this.#points.get(neighbour);
  }

  /** What it said itself: it may have less than it was sent. */
  learn(neighbour: PeerId, points: Points): void {
    if (this.#points.has(neighbour)) this.#points.set(neighbour, points);
  }

  /** It has at least this: it was sent there, or came from there. */
  raise(neighbour: PeerId, origin: PeerId, { epoch, version }: Point): void {
    const points = this.#points.get(neighbour);
    if (points && isAhead({ epoch, version }, points.get(origin))) points.set(origin, { epoch, version });
  }

  /** Those that lack `delta` and could take it without a gap. */
  lacking(origin: PeerId, { epoch, from, to }: PresenceDelta): PeerId[] {
    const found: PeerId[] = [];
    for (const [neighbour, points] of this.#points) {
      if (!points) continue;
      const point = points.get(origin);
      const version = point?.epoch === epoch ? point.version : 0;
      if (isAhead({ epoch, version: to }, point) && from <= version) found.push(neighbour);
    }
    return found;
  }

  /** Each in turn. */
  turn(): PeerId | undefined {
    const first = this.#points.entries().next().value;
    if (!first) return undefined;
    this.#points.delete(first[0]);
    this.#points.set(first[0], first[1]);
    return first[0];
  }
}
