import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../run/command.ts";

/** What a newcomer writes first: a node, two peers, one message and its echo. Ends by itself when all is disposed. */
export const HELLO = `import { Peer } from "waymeet";
import { serve } from "waymeet/node";

await using node = await serve({ port: 0 });
await using alice = await Peer.open({ nodes: [node.url] });
await using bob = await Peer.open({ nodes: [node.url] });

bob.addEventListener("link", async ({ link }) => {
  for await (const message of link) await link.send(message);
});

await using link = await alice.dial(bob.id, { signal: AbortSignal.timeout(20_000) });
await link.send(new TextEncoder().encode("hello"));
for await (const _ of link) break;
console.log("hello from " + bob.id);
`;

/** What {@link HELLO} prints: 52 letters of base32 (RFC 4648). */
export const GREETING: RegExp = /^hello from [a-z2-7]{52}$/m;

/** A page: the SDK alone, without anything of Node. */
export const PAGE = `import { Peer } from "waymeet";

const peer = await Peer.open({ nodes: ["wss://meet.example.org"] });
document.title = peer.id;
`;

/** Compiler options of a program for Node, and of a page for a bundler. */
export const FOR_NODE: Record<string, unknown> = {
  target: "es2022",
  lib: ["es2023", "esnext.disposable", "dom"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  skipLibCheck: true,
};
export const FOR_BUNDLER: Record<string, unknown> = {
  target: "es2022",
  lib: ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
  module: "esnext",
  moduleResolution: "bundler",
  types: [],
  strict: true,
  skipLibCheck: false,
};

/** An empty project with some files; objects become JSON. */
export function project(folder: string, files: Record<string, unknown>): string {
  mkdirSync(folder, { recursive: true });
  const manifest = { "package.json": { name: "stranger", private: true, type: "module" } };
  for (const [name, content] of Object.entries({ ...manifest, ...files })) {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Installing from a registry may be slow; nothing else here takes longer. Milliseconds. */
const DEADLINE = 180_000;

/** Runs a command that must succeed, and gives its output. */
export async function succeed(cwd: string, ...command: string[]): Promise<string> {
  const { code, output } = await runCommand(command, { cwd, deadline: DEADLINE });
  assert.equal(code, 0, `${command.join(" ")} ended with ${code}:\n${output}`);
  return output;
}
