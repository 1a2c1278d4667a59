/** Version of this package; the same as in `package.json`, which a test compares. */
export const VERSION_TEXT = "0.1.0";

/** Name and version for user agents (RFC 9110 §10.1.5), with the runtime where it says which it is. */
export const AGENT: string = `waymeet/${VERSION_TEXT}${runtime()}`;

/** Bun and Deno call themselves `Bun/1.4.5`, `Deno/2.9.6`; browsers tell a long story that is nobody's business. */
function runtime(): string {
  const told = globalThis.navigator?.userAgent ?? "";
  return /^(Bun|Deno|Node\.js)\/[\w.]+$/.test(told) ? ` ${told}` : "";
}
