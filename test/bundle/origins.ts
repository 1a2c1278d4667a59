/**
 * Which file each piece of a bundle comes from, by its source map (ECMA-426).
 *
 * @module
 */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Text of a bundle, and the file it was made of: an index of the map's `sources`, -1 for the bundler's own. */
export interface Piece {
  source: number;
  text: string;
}

/** The pieces of `text`, in order: together they are `text`. `mappings` as the map has it. */
export function pieces(text: string, mappings: string): Piece[] {
  const segments = mappings.split(";").map((line) => line === "" ? [] : line.split(",").map(numbers));
  let source = 0;
  return text.split("\n").flatMap((line, i): Piece[] => {
    let column = 0;
    const starts = [{ column: 0, source: -1 }];
    for (const [columns, sources] of segments[i] ?? []) {
      column += columns!;
      source += sources ?? 0;
      starts.push({ column, source: sources === undefined ? -1 : source });
    }
    const cut = (each: typeof starts[0], next: number): Piece => ({
      source: each.source,
      text: line.slice(each.column, starts[next]?.column),
    });
    const end: Piece[] = i === 0 ? [] : [{ source: -1, text: "\n" }];
    return [...end, ...starts.map((each, k) => cut(each, k + 1)).filter(({ text }) => text !== "")];
  });
}

/** The numbers of a segment: base64 digits of 5 bits, the lowest first, each number's lowest bit its sign. */
function numbers(segment: string): number[] {
  const found: number[] = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
