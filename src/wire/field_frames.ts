import type { Value } from "./cbor.ts";
import { Kind } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";

/** The fields of `F`, in the order in which they are sent, and what each may hold. */
export type Fields<F> = {
  readonly [Name in Exclude<keyof F, "kind">]: (value: Value | undefined) => value is F[Name] & Value;
};

/** The member of the union `F` that may be of kind `K`. */
type Of<F extends { kind: string }, K> = F extends unknown ? K extends F["kind"] ? F : never : never;

/** How a kind is called, and its fields one after the other. */
type Layout = [kind: string, fields: [name: string, isRight: (value: Value | undefined) => boolean][]];

/**
 * Frames whose fields are judged each by itself: a table says what they are, and how they are read
 * and written follows from it.
 *
 * @example
 * ```ts ignore
 * const frames = new FieldFrames<Ping>({ ping: { nonce: isNonce } });
 * frames.read(Kind.ping, [Kind.ping, nonce]); // { kind: "ping", nonce }
 * ```
 */
export class FieldFrames<F extends { kind: keyof typeof Kind }> {
  readonly #layouts: Map<number, Layout>;

  constructor(table: { readonly [K in F["kind"]]: Fields<Of<F, K>> }) {
    this.#layouts = new Map(
      Object.entries(table).map(([kind, fields]) => [
        Kind[kind as F["kind"]],
        [kind, Object.entries(fields as object)],
      ]),
    );
  }

  knows(kind: number): boolean {
    return this.#layouts.has(kind);
  }

  /** A decoded frame; `undefined`: malformed, or of none of these kinds. */
  read(number: number, items: Value[]): F | undefined {
    const [kind, fields] = this.#layouts.get(number) ?? NONE;
    const frame: Record<string, unknown> = { kind };
    for (let i = 0; i < fields.length; i++) {
      const [name, isRight] = fields[i]!;
      const value = items[i + 1];
      if (!isRight(value)) return undefined;
      frame[name] = value;
    }
    return kind === "" ? undefined : frame as F;
  }

  /** @throws {RangeError} when a field is out of bounds. */
  encode(frame: F): Uint8Array {
    const number = Kind[frame.kind];
    const [, fields] = this.#layouts.get(number)!;
    const items: Value[] = [number];
    for (const [name] of fields) items.push((frame as Record<string, unknown>)[name] as Value);
    return encodeChecked(items, this.read(number, items), frame.kind);
  }
}

const NONE: Layout = ["", []];
