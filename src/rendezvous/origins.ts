/**
 * Which web pages' scripts may open sessions. Browsers send the origin of the page with every WebSocket
 * (RFC 6455 §10.2) and let a page dial any address, those of its visitor's own machine too.
 *
 * @module
 */
import { isLoopbackUrl } from "../session/session_url.ts";

/** `"any"`; or these origins (`https://chat.example.org`), and always pages of this machine. */
export type Origins = "any" | readonly string[];

/**
 * Whether a page of that origin may have a session; `undefined`: no page, for other programs could say what
 * they like. A name that somebody's name server leads here (DNS rebinding) is none of this machine's.
 *
 * @example
 * ```ts
 * welcomesPage([], "http://localhost:5173"); // true
 * welcomesPage([], "https://evil.example"); // false
 * ```
 */
export function welcomesPage(origins: Origins, origin: string | undefined): boolean {
  if (origins === "any" || origin === undefined || origins.includes(origin)) return true;
  return URL.canParse(origin) && isLoopbackUrl(origin);
}

/** @throws {TypeError} for what no browser would ever send. */
export function checkedOrigins(origins: Origins): Origins {
  const wrong = origins === "any" ? undefined : origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return origins;
  throw new TypeError(`"${wrong}" is no origin of a page: write https://chat.example.org, "null" or "any"`);
}

function isOrigin(text: string): boolean {
  return text === "null" || URL.canParse(text) && new URL(text).origin === text;
}
