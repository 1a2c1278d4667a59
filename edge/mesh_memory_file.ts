/**
 * Remembered nodes in a file, on Bun, Deno and Node.
 *
 * @module
 */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { MeshMemory } from "../src/rendezvous/mesh_options.ts";

/** For `mesh: { memory: meshMemoryFile("nodes.json") }`. The file appears when the first node was met. */
export function meshMemoryFile(path: string): MeshMemory {
  return {
    read: () => readFile(path, "utf8").catch((error) => isMissing(error) ? undefined : Promise.reject(error)),
    async write(text) {
      const fresh = `${path}.${crypto.randomUUID()}`;
      await mkdir(dirname(path), { recursive: true });
      try {
        await writeDurably(fresh, text);
        await rename(fresh, path);
      } catch (error) {
        await rm(fresh, { force: true }).catch(() => {}); // what failed before says more
        throw error;
      }
    },
    async setAside() {
      const aside = `${path}.${new Date().toISOString().replaceAll(":", "")}`;
      await rename(path, aside);
      return aside;
    },
  };
}

/** The content reaches the disk before the name does: a loss of power leaves the old text or the new. */
async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: string }).code === "ENOENT";
}
