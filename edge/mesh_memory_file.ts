/**
 * Remembered nodes in a file, on Bun, Deno and Node.
 *
 * @module
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
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
        await writeFile(fresh, text, { mode: 0o600 });
        await rename(fresh, path);
      } catch (error) {
        await rm(fresh, { force: true });
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

function isMissing(error: unknown): boolean {
  return (error as { code?: string }).code === "ENOENT";
}
