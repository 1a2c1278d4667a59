/**
 * Reads the JUnit XML of Node, Bun and Deno. They disagree: Node and Bun nest suites,
 * Deno lists a suite beside its tests and names them `suite > test`; Node reports a file
 * without tests as one passing test; only Node tells why a test was skipped.
 *
 * @module
 */

/** One test's outcome. */
export interface TestOutcome {
  /** Suite names and test name, joined by ` > `. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped or how it failed; empty if the runtime does not say. */
  detail: string;
}

const TAG = /<(\/?)(testsuite|testcase|failure|error|skipped)((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>/g;

/** All tests in a report; a suite counts only when it failed outside of its tests (a hook). */
export function readJunit(xml: string): TestOutcome[] {
  const tests: TestOutcome[] = [];
  const suites: string[] = [];
  let current: TestOutcome | undefined;
  for (const tag of xml.matchAll(TAG)) {
    const [whole, closing, kind, attributes = "", empty] = tag;
    if (kind === "testsuite") {
      if (closing) suites.pop();
      else if (!empty) suites.push(suiteName(attributes));
    } else if (kind === "testcase") {
      if (closing) continue;
      const name = [...suites, attribute(attributes, "name")].filter((part) => part !== "").join(" > ");
      current = { name, outcome: "passed", detail: "" };
      tests.push(current);
    } else if (current !== undefined && !closing) {
      const body = empty ? "" : textAfter(xml, tag.index + whole.length);
      current.outcome = kind === "skipped" ? "skipped" : "failed";
      current.detail = [attribute(attributes, "message"), body].filter((part) => part !== "").join("\n");
    }
  }
  return withoutContainers(tests);
}

/** Bun and Deno wrap each file in a suite of the file's name. */
function suiteName(attributes: string): string {
  const name = attribute(attributes, "name");
  return /\.(ts|js|mjs)$/.test(name) ? "" : name;
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return unescapeXml(value);
}

function textAfter(xml: string, from: number): string {
  const end = xml.indexOf("<", from);
  return unescapeXml(xml.slice(from, end === -1 ? undefined : end)).trim();
}

function withoutContainers(tests: TestOutcome[]): TestOutcome[] {
  const parents = new Set<string>();
  for (const { name } of tests) {
    for (let at = name.indexOf(" > "); at !== -1; at = name.indexOf(" > ", at + 1)) {
      parents.add(name.slice(0, at));
    }
  }
  return tests.filter(({ name, outcome, detail }) => {
    if (outcome === "passed" && /^(\/|[A-Z]:\\).*\.test\.ts$/.test(name)) return false;
    return !parents.has(name) || (outcome === "failed" && !/^\d+ test steps? failed/.test(detail));
  });
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** Node escapes the quotes of an attribute twice, hence the repetition for `&amp;quot;`. */
function unescapeXml(text: string): string {
  return text.replaceAll("&amp;quot;", '"').replace(
    /&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g,
    (whole, ten, hex, name) => {
      if (ten !== undefined) return String.fromCodePoint(Number(ten));
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      return ENTITIES[name] ?? whole;
    },
  );
}
