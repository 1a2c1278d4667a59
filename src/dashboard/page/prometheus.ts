/** One number of a scrape. */
export interface Reading {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads the Prometheus text format 0.0.4; what it does not understand it leaves out. */
export function readings(text: string): Reading[] {
  return text.split("\n").flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) return [];
    const [, name, labels = "", value] = found;
    return [{ name: name!, labels: labelsOf(labels), value: Number(value) }];
  });
}

/** Sums a metric by one of its labels, without what is zero; the largest first. */
export function byLabel(all: Reading[], name: string, label: string): [string, number][] {
  const sums = new Map<string, number>();
  for (const { labels, value } of all.filter((one) => one.name === name && one.value > 0)) {
    const key = labels[label] ?? "";
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

function labelsOf(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries([...pairs].map(([, key, value]) => [key, unescape(value!)]));
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, sign) => sign === "n" ? "\n" : sign);
}
