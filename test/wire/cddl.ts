/**
 * Enough of CDDL (RFC 8610) to hold decoded CBOR against waymeet.cddl: choices,
 * ranges, arrays with names and occurrences, `.size`, `.cbor`, `.regexp`. Whatever
 * else a rule uses is a syntax error here.
 */
import { decode, type Value } from "../../src/wire/cbor.ts";

type Match = (value: Value) => boolean;
interface Member {
  min: number;
  max: number;
  match: Match;
}

/** The rules by name. */
export function parseCddl(text: string): Map<string, Match> {
  return new Parser(text).rules();
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
  private readonly found = new Map<string, Match>();
  private at = 0;

  constructor(text: string) {
    const rest = text.replace(TOKEN, "").trim();
    if (rest !== "") throw new SyntaxError(`no CDDL of this subset: ${rest}`);
    this.tokens = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith(";"));
  }

  rules(): Map<string, Match> {
    const used = new Set<string>();
    this.lookUp = (name) => {
      used.add(name);
      return (value) => this.found.get(name)!(value);
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

  private lookUp: (name: string) => Match = () => () => false;

  private choice(): Match {
    const options = [this.controlled()];
    while (this.skip("/")) options.push(this.controlled());
    return (value) => options.some((match) => match(value));
  }

  private controlled(): Match {
    const target = this.plain();
    const operator = this.tokens[this.at];
    if (!operator?.startsWith(".") || operator === "..") return target;
    const control = this.control(this.take());
    return (value) => target(value) && control(value);
  }

  private control(operator: string): Match {
    if (operator === ".size") {
      const inRange = this.skip("(") ? this.enclosed() : this.plain();
      return (value) => inRange(sizeOf(value));
    }
    if (operator === ".cbor") {
      const content = this.lookUp(this.take());
      return (value) => {
        const item = decode(value as Uint8Array);
        return item !== undefined && content(item);
      };
    }
    if (operator !== ".regexp") throw new SyntaxError(`unknown control ${operator}`);
    const pattern = new RegExp(`^(?:${this.take().slice(1, -1)})$`);
    return (value) => pattern.test(value as string);
  }

  private enclosed(): Match {
    const inside = this.plain();
    this.expect(")");
    return inside;
  }

  private plain(): Match {
    const token = this.take();
    if (token === "[") return this.array();
    if (token.startsWith('"')) return (value) => value === token.slice(1, -1);
    if (/^\d/.test(token)) return this.range(Number(token));
    return primitives[token] ?? this.lookUp(token);
  }

  private range(low: number): Match {
    const high = this.skip("..") ? Number(this.take()) : low;
    return (value) => typeof value === "number" && value >= low && value <= high;
  }

  private array(): Match {
    const members: Member[] = [];
    while (!this.skip("]")) {
      members.push(this.member());
      this.skip(",");
    }
    return (value) => Array.isArray(value) && matchMembers(value, members);
  }

  private member(): Member {
    const [min, max] = this.occurrence();
    if (this.tokens[this.at + 1] === ":") this.at += 2;
    return { min, max, match: this.choice() };
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
