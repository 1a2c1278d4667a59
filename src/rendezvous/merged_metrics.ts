/**
 * One scrape of several nodes that share a port: the samples of each, told apart by a label.
 *
 * @module
 */

/** Joins pages of the Prometheus format 0.0.4: each metric is named once, each sample says of which worker it is. */
export function mergedMetrics(pages: ReadonlyMap<string, string>): string {
  const families = new Map<string, { head: string; samples: string }>();
  for (const [worker, text] of pages) {
    let family = { head: "", samples: "" };
    for (const line of text.split("\n").filter((line) => line !== "")) {
      const help = /^# HELP (\S+) /.exec(line);
      if (help) {
        family = families.get(help[1]!) ?? { head: "", samples: "" };
        families.set(help[1]!, family);
      }
      if (!line.startsWith("#")) family.samples += `${labelled(line, worker)}\n`;
      else if (!family.head.includes(line)) family.head += `${line}\n`;
    }
  }
  return [...families.values()].map(({ head, samples }) => head + samples).join("");
}

/** `name 1` → `name{worker="2"} 1`; `name{a="b"} 1` → `name{worker="2",a="b"} 1`. */
function labelled(sample: string, worker: string): string {
  return sample.replace(/^(\w+)(?:\{(.*)\})? /, (_, name: string, labels: string | undefined) => {
    return `${name}{worker="${worker}"${labels ? `,${labels}` : ""}} `;
  });
}
