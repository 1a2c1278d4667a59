/** The search: inputs by grammar, by mutation, by what was new before; each finding made small. */
import { seededDice } from "../dice.ts";
import { readCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { Growth } from "./growth.ts";
import { minimised } from "./minimise.ts";
import { type Input, LONGEST, MOST_PARTS, mutated } from "./mutation.ts";
import { Seen } from "./seen.ts";
import type { Target, World } from "./target.ts";
import { endOf, type Finding, judged, type Outcome, seemsSlow, trial } from "./trial.ts";

export interface Found extends Finding {
  input: Input;
}
export interface Result {
  target: string;
  seconds: number;
  inputs: number;
  /** Distinct outcomes, and blocks of the source that ran. */
  outcomes: number;
  blocks: number;
  /** Milliseconds of the slowest part that was measured again. */
  slowest: number;
  growth: string;
  found: Found[];
  pool: readonly Input[];
}

/** Inputs kept to mutate, and their longest. */
const POOL = 1_000;
const POOL_BYTES = 65_536;
/** Shares of the time: guided by coverage, which slows the code down; adding to the pool; measuring again, at most. */
const GUIDED = 0.25;
const COLLECTING = 0.5;
const MEASURING = 0.2;

export class Fuzzing {
  readonly #target: Target;
  readonly #dice;
  readonly #until: number;
  readonly #began = performance.now();
  readonly #span: number;
  readonly #pool: Input[];
  readonly #seen = new Seen();
  readonly #found = new Map<string, Found>();
  readonly #growth = new Growth();
  #coverage: Coverage | undefined;
  #blocks = 0;
  #inputs = 0;
  #slowest = 0;
  /** Milliseconds that went into measuring again. */
  #measuring = 0;

  constructor(target: Target, seconds: number, seed: number) {
    this.#target = target;
    this.#span = seconds * 1_000;
    this.#until = this.#began + this.#span;
    this.#dice = seededDice(seed);
    this.#pool = readCorpus(target.name).map(({ input }) => input);
  }

  async run(): Promise<Result> {
    this.#coverage = new Coverage();
    for (let i = 0; i < 16; i++) this.#pool.push(await this.#target.generate(this.#dice));
    while (performance.now() < this.#until) {
      await this.#oneWorld();
      this.#growth.sample(this.#elapsed);
    }
    this.#endGuidance();
    const leak = this.#growth.verdict();
    if (leak !== undefined) this.#found.set("growth", { kind: "violation", what: leak, input: [] });
    return {
      ...{ target: this.#target.name, seconds: this.#span / 1_000, inputs: this.#inputs },
      ...{ outcomes: this.#seen.size, blocks: this.#blocks, slowest: this.#slowest },
      ...{ growth: this.#growth.text, found: [...this.#found.values()], pool: this.#pool },
    };
  }

  /** Share of the time that is over. */
  get #elapsed(): number {
    return (performance.now() - this.#began) / this.#span;
  }

  async #oneWorld(): Promise<void> {
    const world = await this.#target.begin();
    const inputs: Input[] = [];
    for (let i = 0; i < this.#target.inputsPerWorld && performance.now() < this.#until; i++) {
      const input = await this.#next();
      inputs.push(input);
      if (await this.#try(world, input)) break; // a world that broke proves no more
    }
    const finding = await endOf(world);
    if (finding !== undefined) await this.#report(finding, inputs.at(-1)!);
  }

  async #next(): Promise<Input> {
    const dice = this.#dice;
    if (dice(3) === 0) return bounded(await this.#target.generate(dice));
    const input = this.#pool[dice(this.#pool.length)]!;
    return bounded(mutated(input, this.#pool, dice));
  }

  async #try(world: World, input: Input): Promise<boolean> {
    const outcome = await trial(world, input);
    this.#inputs++;
    this.#learn(input, outcome);
    if (outcome.finding !== undefined) {
      await this.#report(outcome.finding, input);
      return true;
    }
    if (seemsSlow(this.#target, outcome)) await this.#measure(input);
    return false;
  }

  #learn(input: Input, { words }: Outcome): void {
    const isNew = this.#seen.add(words.join(" "));
    if (this.#elapsed > GUIDED) this.#endGuidance();
    const blocks = this.#coverage?.news() ?? 0;
    if (this.#elapsed > COLLECTING || !(isNew || blocks > 0)) return;
    if (input.reduce((sum, { length }) => sum + length, 0) > POOL_BYTES) return;
    if (this.#pool.length < POOL) this.#pool.push(input);
    else this.#pool[this.#dice(POOL)] = input;
  }

  #endGuidance(): void {
    if (this.#coverage === undefined) return;
    this.#blocks = this.#coverage.blocks;
    this.#coverage.stop();
    this.#coverage = undefined;
  }

  /** Under coverage everything is slow: what counts is measured without. */
  async #measure(input: Input): Promise<void> {
    if (this.#coverage !== undefined || this.#measuring > MEASURING * (performance.now() - this.#began)) {
      return;
    }
    const before = performance.now();
    const outcome = await judged(this.#target, input);
    this.#measuring += performance.now() - before;
    this.#slowest = Math.max(this.#slowest, outcome.slowest);
    if (outcome.finding !== undefined) await this.#report(outcome.finding, input);
  }

  async #report(finding: Finding, input: Input): Promise<void> {
    const name = `${finding.kind} ${finding.kind === "slow" ? "" : finding.what.split("\n")[0]}`;
    if (this.#found.has(name) || this.#found.size >= 20) return;
    this.#found.set(name, { ...finding, input });
    const small = await minimised(this.#target, input, finding);
    this.#found.set(name, { ...finding, input: small });
    const sizes = small.map(({ length }) => length).join("+");
    console.log(`FOUND in ${this.#target.name}: ${finding.kind}: ${finding.what} (${sizes} bytes)`);
  }
}

function bounded(input: Input): Input {
  return input.slice(0, MOST_PARTS).map((part) => part.subarray(0, LONGEST));
}
