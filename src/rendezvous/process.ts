/**
 * Which of two processes with one key is the newer one (protocol rule 18): by the start that each says, unless
 * one is young by its age, which does not depend on how its clock was set.
 *
 * @module
 */
import { compareBytes } from "../wire/cbor.ts";
import { YOUNG } from "../wire/limits.ts";
import type { PeerRecord } from "../wire/protocol.ts";
import { readRecord } from "../wire/record.ts";
import type { HeldRecord, Seat } from "./registry.ts";

export interface Process {
  readonly instance: Uint8Array;
  /** When it began by its own clock, milliseconds since 1970. */
  readonly started: number;
  /** Milliseconds for which it has lived; `undefined` when nobody said. */
  readonly age: number | undefined;
}

/** Milliseconds of two processes' ages that say nothing: what a frame takes on its way. */
const DOUBTFUL = 2_000;

/** Positive when `a` is the newer one, 0 when both are one process. */
export function compareProcesses(a: Process, b: Process): number {
  const order = compareStarts(a, b);
  if (order === 0) return 0;
  const [earlier, later] = order < 0 ? [a, b] : [b, a];
  return isYounger(earlier, later) ? -order : order;
}

/** The same by what both say alone. One process stays one, though it corrected its start. */
export function compareStarts(a: Process, b: Process): number {
  const instances = compareBytes(a.instance, b.instance);
  return instances === 0 ? 0 : a.started - b.started || instances;
}

/** Whether `a` surely began after `b`, whatever they say. */
export function isYounger({ age: a }: Pick<Process, "age">, { age: b }: Pick<Process, "age">): boolean {
  return a !== undefined && b !== undefined && a < YOUNG && a + DOUBTFUL < b;
}

/** The process that signed a record which holds until `until`; all times are milliseconds. */
export function processOfRecord(record: PeerRecord, until: number, now: number): Process {
  const { instance, started, expires } = record;
  return { instance, started, age: now - until + expires - started };
}

/** The process in a seat for `since` milliseconds: its record may say a later start than its session did. */
export function processOfSeat({ session, record }: Seat, since: number, wall: number): Process | undefined {
  const { auth } = session;
  if (auth === undefined) return undefined;
  const known = record && recordOf(record, wall);
  const { instance, started } = known && compareBytes(known.instance, auth.instance) === 0 ? known : auth;
  return { instance, started, age: auth.age === undefined ? known?.age : auth.age + since };
}

function recordOf({ signed, expires }: HeldRecord, wall: number): Process | undefined {
  const record = signed && readRecord(signed);
  return record && processOfRecord(record, expires, wall);
}
