/**
 * The page that a person sees who opens a node in a browser.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { html, raw } from "hono/html";
import type { NodeInfo } from "./info.ts";

type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --ink: #1b2a33; --soft: #5b6d77; --paper: #f6f4ef; --card: #fffdf8; --line: #ddd6c8; --road: #b4552d }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e4da; --soft: #9aa7ad; --paper: #12191d; --card: #1a2429; --line: #2c3a41; --road: #e08a5b }
}
* { box-sizing: border-box }
body { margin: 0; padding: 6vh 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.6 ui-serif, Georgia, serif }
main { max-width: 42rem; margin: auto }
h1 { margin: 0; font-size: 2.4rem; font-weight: 500; letter-spacing: -.02em }
h1 i { color: var(--road); font-style: normal }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem; font-weight: 600 }
p { margin: .5rem 0; color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .6rem 1.5rem; margin: 2rem 0; padding: 1.25rem 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
code, pre { font: .875rem/1.6 ui-monospace, Menlo, Consolas, monospace }
pre { margin: .5rem 0; padding: 1rem 1.25rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
a { color: var(--road) }
`;

/** The page's one style is allowed by its hash; nothing else may load, run or frame. */
export const PAGE_POLICY: string = `default-src 'none'; style-src 'sha256-${
  btoa(String.fromCharCode(...sha256(new TextEncoder().encode(STYLE))))
}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** All of `info` is escaped. */
export function homePage(info: NodeInfo): Html {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>waymeet node ${info.id.slice(0, 8)}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>way<i>meet</i></h1>
          <p>The place where roads meet. Programs find each other here by key and talk through this node, which cannot read what they say.</p>
          <dl>
    <dt>Node</dt><dd><code>${info.id}</code></dd>
    <dt>Network</dt><dd>${info.network}</dd>
    <dt>Access</dt><dd>${ACCESS[info.access] ?? info.access}</dd>
    ${info.sessions === undefined ? "" : html`
      <dt>Peers here</dt>
      <dd>${info.sessions}</dd>
    `}
    ${info.uptime === undefined ? "" : html`
      <dt>Up for</dt>
      <dd>${duration(info.uptime)}</dd>
    `}
    <dt>Version</dt><dd>waymeet ${info.version}, protocol ${info.protocol}</dd>
          </dl>
          <h2>Meet through this node</h2>
          <p>One program listens and prints its id, another one sends to it. The node's address is this page's, with <code>wss:</code> or <code>ws:</code> instead of <code>https:</code> or <code>http:</code>.</p>
          <pre>${COMMANDS}</pre>
          <p><a href="v1/info">v1/info</a> tells the same to programs.</p>
        </main>
      </body>
    </html>
  `;
}

/** Apart from the page's own indentation, which a `pre` would show. */
const COMMANDS = "waymeet listen --node wss://…\nwaymeet send PEER --node wss://…";

const ACCESS: Record<string, string> = {
  "open": "open to everybody",
  "allow-list": "listed peers only",
  "token": "peers with a token",
};

/** Two units are enough for a person. */
function duration(seconds: number): string {
  const units: [string, number][] = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  const [name, size] = seconds === 0 ? units[3]! : units[first]!;
  const rest = units[first + 1];
  const more = seconds % size;
  return counted(seconds, name, size) + (rest && more >= rest[1] ? ` ${counted(more, ...rest)}` : "");
}

function counted(seconds: number, name: string, size: number): string {
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
