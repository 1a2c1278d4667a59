/**
 * The pages for browsers that a node may serve beside its own.
 *
 * @module
 */
import type { Hono } from "hono";
import type { NodeApp } from "./bindings.ts";

/** A file of a page. */
export interface Asset {
  /** Content type. */
  type: string;
  text: string;
  /** Strong entity tag (RFC 9110 §8.8.3). */
  etag: string;
}

/** Files by path: `chat` is the page itself, `chat/chat.js` its script. */
export type Assets = Readonly<Record<string, Asset>>;

/**
 * What a page of this node may do: run its own script and style, reach nodes, show what it
 * made itself. So text that a stranger wrote runs nothing, even if the page had a hole.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  // Asked again each time, and answered without the text while it is the same.
  "Cache-Control": "no-cache",
};

/** Adds a page and its files to the routes; `change` may fill in what the page is to know of its node. */
export function addPage(
  app: Hono<NodeApp>,
  name: string,
  assets: Assets,
  change: (html: string) => string = (html) => html,
): void {
  const answer = (path: string, noneMatch: string | undefined): Response => {
    const asset = assets[path];
    if (!asset) return new Response("no such page\n", { status: 404, headers: HEADERS });
    const { type, etag, text } = asset;
    if (path !== name && noneMatch === etag) return new Response(null, { status: 304, headers: HEADERS });
    const headers = { ...HEADERS, "Content-Type": type, ...(path === name ? {} : { ETag: etag }) };
    return new Response(path === name ? change(text) : text, { headers });
  };
  app.get(`/${name}`, (c) => answer(name, c.req.header("if-none-match")));
  app.get(`/${name}/:file`, (c) => answer(`${name}/${c.req.param("file")}`, c.req.header("if-none-match")));
}

/** `text` for an attribute in double quotes. */
export function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
