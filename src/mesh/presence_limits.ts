/** Limits and intervals of presence, each with its unit and its reason. */
import { RECORD_LIFETIME } from "../wire/limits.ts";

/** Milliseconds that a departure is remembered: twice what it buries can live (protocol rule 3). */
export const TOMBSTONE: number = 2 * RECORD_LIFETIME;
/**
 * Milliseconds by which an origin's epoch may lie ahead: more than the clocks of two nodes differ, and yet
 * nobody can push a node's epoch to where it cannot go on.
 */
export const EPOCH_AHEAD = 604_800_000;
/** Milliseconds between two questions to neighbours, one at a time in turn. */
export const DIGEST_INTERVAL = 1_000;
/** Milliseconds without a frame from the neighbour that was asked, after which another one is. */
export const ASK_PATIENCE = 3_000;
/** Presence frames in one answer, 512 KiB at most: a large snapshot goes in several, and never fills a queue. */
export const ANSWER_FRAMES = 32;

/** What one node holds in memory at most, in entries. */
export interface PresenceLimits {
  /** Peers at one origin: more than MAX_SESSIONS. */
  perOrigin: number;
  /** Departures remembered of one origin; the oldest go first. */
  gravesPerOrigin: number;
  /** Peers at all origins, one at two nodes counts twice: some 150 MB at 1.5 KB each. */
  total: number;
}

export const PRESENCE_LIMITS: PresenceLimits = { perOrigin: 20_000, gravesPerOrigin: 20_000, total: 100_000 };
