/** Bars in groups, as an SVG that stands alone and reads on light and dark ground. */

export interface Bar {
  name: string;
  value: number;
}
export interface Chart {
  title: string;
  unit: string;
  groups: { label: string; bars: Bar[] }[];
}

const WIDTH = 760;
const LEFT = 190;
/** Room behind the longest bar for its figure. */
const RIGHT = 90;
const BAR = 16;
const GAP = 22;
const TOP = 56;
/** Distinct to eyes that see red and green alike (Okabe and Ito). */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#999999"];

/**
 * Writes a chart of horizontal bars; each group has a scale of its own, since 64 bytes and 64 KiB
 * do not fit on one.
 *
 * @throws {RangeError} when a value is not a finite number of 0 or more.
 */
export function barChart(chart: Chart): string {
  const names = [...new Set(chart.groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const parts: string[] = [];
  let y = TOP;
  for (const { label, bars } of chart.groups) {
    parts.push(text(LEFT - 12, y + BAR * bars.length / 2 + 4, label, "end"));
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      parts.push(oneBar(bar, y, longest, COLOURS[names.indexOf(bar.name) % COLOURS.length]!, chart.unit));
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(12, 22, chart.title, "start", ' font-weight="bold"'),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function oneBar({ name, value }: Bar, y: number, longest: number, colour: string, unit: string): string {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`a bar cannot be ${value} long`);
  const width = longest === 0 ? 0 : Math.round(value / longest * (WIDTH - LEFT - RIGHT - 130));
  const label = `${name} ${Number(value.toPrecision(3))} ${unit}`;
  return `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 3}" fill="${colour}"/>` +
    text(LEFT + width + 6, y + 11, label, "start");
}

function text(x: number, y: number, words: string, anchor: string, more = ""): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#222"${more}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
