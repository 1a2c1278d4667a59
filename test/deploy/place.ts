import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { accessOf, checkExposure } from "../../src/cli/access_options.ts";
import { meshOf, type ServeChoices, withServeOptions } from "../../src/cli/serve_options.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";

export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const DEPLOY: string = join(ROOT, "deploy");

export function deployed(...path: string[]): string {
  return readFileSync(join(DEPLOY, ...path), "utf8");
}

/** What `waymeet serve` makes of an environment; it throws as the command would complain. */
export function understood(env: Record<string, string>, words: string[] = []): ServeChoices {
  const options = withServeOptions(new Command("serve")).exitOverride();
  const known = new Set(options.options.map(({ envVar }) => envVar));
  const unknown = Object.keys(env).filter((name) => name.startsWith("WAYMEET_") && !known.has(name));
  if (unknown.length > 0) throw new Error(`no option of serve has the variable ${unknown.join(", ")}`);
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    options.parse(words, { from: "user" });
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
  const choices = options.opts<ServeChoices>();
  const peer = (text: string) => text as PeerId;
  checkExposure(choices, accessOf(choices, peer));
  meshOf(choices, peer, () => {
    throw new Error("keeps a file");
  });
  return choices;
}
