/**
 * Local names for peers: a small JSON file, `{ "bob": "<PeerId>" }`.
 *
 * @module
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parsePeerId, type PeerId, tryPeerId } from "../identity/peer_id.ts";
import { Failure, UsageError } from "./failure.ts";

/** An id has 52 letters: no alias can look like one. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,31}$/u;

export type Aliases = ReadonlyMap<string, PeerId>;

/** The aliases of a file; none when it does not exist. */
export async function readAliases(path: string): Promise<Aliases> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (error.code === "ENOENT") return "{}";
    throw new Failure(
      "aliases-unreadable",
      `the aliases in ${path} cannot be read (${error.message}); make the file readable, or remove it`,
      { cause: error },
    );
  });
  const aliases = parseAliases(text);
  if (aliases !== undefined) return aliases;
  throw new Failure(
    "aliases-unreadable",
    `${path} holds no aliases ({"name": "PeerId", …}); correct it, or remove it`,
  );
}

function parseAliases(text: string): Aliases | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).map(([name, id]) => [name, parsePeerId(id)]));
  } catch {
    return undefined;
  }
}

/** Replaces the file at once: who reads it meanwhile sees the old or the new one. */
export async function writeAliases(path: string, aliases: Aliases): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  const sorted = [...aliases].sort(([a], [b]) => a < b ? -1 : 1);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(draft, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`, {
      mode: 0o600,
      flush: true,
    });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** @throws {UsageError} when a name cannot be told from an id, or would be awkward in a shell. */
export function checkAliasName(name: string): void {
  if (NAME.test(name)) return;
  throw new UsageError(
    `"${name}" is no alias: take 1 to 32 letters, digits, dots, dashes or underscores, the first a letter or digit`,
  );
}

/**
 * The peer that somebody wrote as an id or an alias.
 *
 * @throws {UsageError} when it is neither, saying which letter is wrong or which aliases there are.
 */
export function resolvePeer(text: string, aliases: Aliases): PeerId {
  const peer = aliases.get(text) ?? tryPeerId(text);
  if (peer !== undefined) return peer;
  // 33 letters and more cannot be an alias: somebody meant an id.
  throw new UsageError(text.length > 32 ? wrongId(text) : unknownAlias(text, aliases));
}

function wrongId(text: string): string {
  try {
    return parsePeerId(text);
  } catch (error) {
    return (error as Error).message;
  }
}

function unknownAlias(text: string, aliases: Aliases): string {
  const known = aliases.size === 0 ? "there are none yet" : `known are ${[...aliases.keys()].join(", ")}`;
  return `"${text}" is neither a PeerId (52 letters) nor an alias (${known}); name a peer with: waymeet alias NAME PEER`;
}
