/**
 * Enough of CDDL (RFC 8610) to hold decoded CBOR against waymeet.cddl, and to make such: choices,
 * ranges, arrays with names and occurrences, `.size`, `.cbor`, `.regexp`. Whatever
 * else a rule uses is a syntax error here.
 */
import { decode, encode, type Value } from "../../src/wire/cbor.ts";
import type { Dice } from "../dice.ts";
import { sampleLike, samplePrimitive, sampleUint } from "./cddl_samples.ts";

type Match = (value: Value) => boolean;
/** `size`: wanted length of bytes or text. */
type Sample = (dice: Dice, size?: number) => Value;
interface Rule {
  match: Match;
  sample: Sample;
}
interface Member extends Rule {
  min: number;
  max: number;
}

/** The rules by name: whether a value satisfies one. */
export function parseCddl(text: string): Map<string, Match> {
  return new Map([...new Parser(text).rules()].map(([name, { match }]) => [name, match]));
}

/** The rules by name: values that satisfy one, as the dice fall. */
export function parseSamples(text: string): Map<string, (dice: Dice) => Value> {
  return new Map([...new Parser(text).rules()].map(([name, { sample }]) => [name, (dice) => sample(dice)]));
}

const TOKEN = /;[^\n]*|"[^"]*"|\.\.|\.[a-z]+|[a-z][a-z0-9-]*|\d+|[=/[\](),:*]/g;

const primitives: Record<string, Match> = {
  uint: (value) => typeof value === "number",
  tstr: (value) => typeof value === "string",
  bstr: (value) => value instanceof Uint8Array,
  null: (value) => value === null,
  any: () => true,
};

class Parser {
  private readonly tokens: string[];
  private readonly found = new Map<string, Rule>();
  private at = 0;

  constructor(text: string) {
    const rest = text.replace(TOKEN, "").trim();
    if (rest !== "") throw new SyntaxError(`no CDDL of this subset: ${rest}`);
    this.tokens = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith(";"));
  }

  rules(): Map<string, Rule> {
    const used = new Set<string>();
    this.lookUp = (name) => {
      used.add(name);
      const rule = () => this.found.get(name)!;
      return { match: (value) => rule().match(value), sample: (dice, size) => rule().sample(dice, size) };
    };
    while (this.at < this.tokens.length) {
      const name = this.take();
      this.expect("=");
      if (this.found.has(name)) throw new SyntaxError(`${name} is defined twice`);
      this.found.set(name, this.choice());
    }
    for (const name of used) if (!this.found.has(name)) throw new SyntaxError(`${name} is not defined`);
    return this.found;
  }

  private lookUp: (name: string) => Rule = () => ({ match: () => false, sample: () => null });

  private choice(): Rule {
    const options = [this.controlled()];
    while (this.skip("/")) options.push(this.controlled());
    return {
      match: (value) => options.some(({ match }) => match(value)),
      sample: (dice, size) => options[dice(options.length)]!.sample(dice, size),
    };
  }

  private controlled(): Rule {
    const target = this.plain();
    const operator = this.tokens[this.at];
    if (!operator?.startsWith(".") || operator === "..") return target;
    const { match, sample } = this.control(this.take(), target);
    return { match: (value) => target.match(value) && match(value), sample };
  }

  private control(operator: string, target: Rule): Rule {
    if (operator === ".size") {
      const range = this.skip("(") ? this.enclosed() : this.plain();
      const sample: Sample = (dice) => target.sample(dice, range.sample(dice) as number);
      return { match: (value) => range.match(sizeOf(value)), sample };
    }
    if (operator === ".cbor") {
      const content = this.lookUp(this.take());
      const match: Match = (value) => {
        const item = decode(value as Uint8Array);
        return item !== undefined && content.match(item);
      };
      return { match, sample: (dice) => encode(content.sample(dice)) };
    }
    if (operator !== ".regexp") throw new SyntaxError(`unknown control ${operator}`);
    const source = this.take().slice(1, -1);
    const pattern = new RegExp(`^(?:${source})$`);
    return { match: (value) => pattern.test(value as string), sample: (dice) => sampleLike(source, dice) };
  }

  private enclosed(): Rule {
    const inside = this.plain();
    this.expect(")");
    return inside;
  }

  private plain(): Rule {
    const token = this.take();
    if (token === "[") return this.array();
    if (token.startsWith('"')) {
      const text = token.slice(1, -1);
      return { match: (value) => value === text, sample: () => text };
    }
    if (/^\d/.test(token)) return this.range(Number(token));
    const match = primitives[token];
    if (!match) return this.lookUp(token);
    return { match, sample: (dice, size) => samplePrimitive(token, dice, size) };
  }

  private range(low: number): Rule {
    const high = this.skip("..") ? Number(this.take()) : low;
    const match: Match = (value) => typeof value === "number" && value >= low && value <= high;
    return { match, sample: (dice) => sampleUint(dice, low, high) };
  }

  private array(): Rule {
    const members: Member[] = [];
    while (!this.skip("]")) {
      members.push(this.member());
      this.skip(",");
    }
    return {
      match: (value) => Array.isArray(value) && matchMembers(value, members),
      sample: (dice) => members.flatMap((member) => sampleMember(member, dice)),
    };
  }

  private member(): Member {
    const [min, max] = this.occurrence();
    if (this.tokens[this.at + 1] === ":") this.at += 2;
    return { min, max, ...this.choice() };
  }

  private occurrence(): [number, number] {
    if (this.skip("*")) return [0, Infinity];
    if (this.tokens[this.at + 1] !== "*") return [1, 1];
    const min = Number(this.take());
    this.expect("*");
    return [min, Number(this.take())];
  }

  private take(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new SyntaxError("the CDDL ends within a rule");
    return token;
  }

  private skip(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private expect(token: string): void {
    const next = this.take();
    if (next !== token) throw new SyntaxError(`expected ${token}, not ${next}`);
  }
}

/** Mostly few, now and then as many as there may be. */
function sampleMember({ min, max, sample }: Member, dice: Dice): Value[] {
  const few = Math.min(max, min + dice(3));
  const count = min === max ? min : max === Infinity ? (dice(8) === 0 ? 1 : 0) : dice(16) === 0 ? max : few;
  return Array.from({ length: count }, () => sample(dice));
}

/** Greedy, which suffices while nothing follows an open-ended member. */
function matchMembers(items: Value[], members: Member[]): boolean {
  let at = 0;
  for (const { min, max, match } of members) {
    let count = 0;
    while (count < max && at < items.length && match(items[at]!)) {
      at++;
      count++;
    }
    if (count < min) return false;
  }
  return at === items.length;
}

function sizeOf(value: Value): number {
  return typeof value === "string" ? new TextEncoder().encode(value).length : (value as Uint8Array).length;
}
