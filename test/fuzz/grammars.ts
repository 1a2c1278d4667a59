/** Frames by the protocol's own grammar, whole or with something wrong in them. */
import { readFileSync } from "node:fs";
import { encode, type Value } from "../../src/wire/cbor.ts";
import type { Dice } from "../dice.ts";
import { parseSamples } from "../wire/cddl.ts";
import { readCddl } from "../wire/vectors.ts";
import { wildFrame } from "./wild.ts";

const session = parseSamples(readCddl());
const link = parseSamples(readFileSync(new URL("../../src/link/link.cddl", import.meta.url), "utf8"));

/** A value by a rule of waymeet.cddl. */
export function sessionValue(rule: string, dice: Dice): Value {
  return session.get(rule)!(dice);
}

export function sessionFrame(rule: string, dice: Dice): Uint8Array {
  return perhapsWild(sessionValue(rule, dice), dice);
}

export function linkFrame(rule: string, dice: Dice): Uint8Array {
  return perhapsWild(link.get(rule)!(dice), dice);
}

function perhapsWild(value: Value, dice: Dice): Uint8Array {
  return dice(3) > 0 ? encode(value) : wildFrame(value, dice);
}
