/** What can be fuzzed: a target makes worlds, and worlds take inputs. */
import type { Dice } from "../dice.ts";
import type { Input } from "./mutation.ts";

/** Something that must not be: the target's own judgement of what happened. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function claim(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}

/** One instance of what is attacked. */
export interface World {
  /** The attacker's own work on a part, which is not measured. */
  prepare?(part: Uint8Array): Promise<Uint8Array> | Uint8Array;
  /** Takes one part of an input; what came of it, in a word or two, guides the search. MUST NOT throw. */
  feed(part: Uint8Array): Promise<string> | string;
  /** After each input. Throws {@link Violation} when a bound or a count is broken. */
  check?(): void | Promise<void>;
  /** When this world is over: what was taken must be given back. */
  end?(): void | Promise<void>;
}

export interface Target {
  readonly name: string;
  /** Inputs that one world lives for. */
  readonly inputsPerWorld: number;
  /** Milliseconds of CPU that one part may take. */
  readonly slow?: number;
  begin(): Promise<World> | World;
  /** An input by the grammar, mostly well formed. */
  generate(dice: Dice): Input | Promise<Input>;
}
