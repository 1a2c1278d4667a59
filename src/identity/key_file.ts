/**
 * A key store in one file, PKCS#8 PEM, readable by its owner only. Needs the file system of
 * Node, Bun or Deno.
 *
 * @module
 */
import { generateIdentity, type Identity, identityFromSeed } from "./identity.ts";
import type { KeyStore } from "./key_store.ts";
import { builtinModule, hasFileModes } from "./native.ts";
import { decodePem, encodePem } from "./pem.ts";

/** Why a key file could not be used. */
export type KeyFileProblem = "unreadable" | "permissions" | "malformed" | "uncreatable";

/** A key file exists and is of no use, or cannot be made. The message names the path and what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
  readonly code: KeyFileProblem;
  readonly path: string;

  constructor(code: KeyFileProblem, path: string, message: string, cause?: unknown) {
    super(`key file ${path}: ${message}`, { cause });
    this.code = code;
    this.path = path;
  }
}

/** A PEM key takes 119 bytes; some carry a text before it. What is larger is another file. */
const LARGEST = 16_384;

/**
 * The store of an identity in the file `path`. `create` makes missing directories (mode 0700)
 * and the file (mode 0600) at once with its content: of several processes that start together
 * one makes the key and the others read it. A file that exists is never written to.
 *
 * Both methods reject with {@link KeyFileError}.
 *
 * @throws {TypeError} on a runtime without a file system.
 */
export function fileKeyStore(path: string): KeyStore {
  const files = fileSystem();
  return {
    load: () => loadFile(files, path),
    create: () => createFile(files, path),
  };
}

type Files = typeof import("node:fs/promises") & Pick<typeof import("node:path"), "dirname">;

function fileSystem(): Files {
  const files = builtinModule("node:fs/promises") as Files | undefined;
  const paths = builtinModule("node:path") as Files | undefined;
  if (files?.link === undefined || paths === undefined) {
    throw new TypeError("this runtime has no file system; use another key store, as memoryKeyStore()");
  }
  return { ...files, dirname: paths.dirname };
}

async function loadFile(files: Files, path: string): Promise<Identity | undefined> {
  const text = await readSecret(files, path);
  if (text === undefined) return undefined;
  try {
    return await identityFromSeed(decodePem(text));
  } catch (cause) {
    throw new KeyFileError("malformed", path, (cause as Error).message, cause);
  }
}

async function readSecret(files: Files, path: string): Promise<string | undefined> {
  try {
    const status = await files.stat(path);
    checkStatus(path, status);
    return await files.readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof KeyFileError) throw cause;
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new KeyFileError("unreadable", path, `cannot be read (${(cause as Error).message})`, cause);
  }
}

function checkStatus(path: string, status: { mode: number; size: number; isFile(): boolean }): void {
  if (!status.isFile()) throw new KeyFileError("unreadable", path, "is not a file; name a file");
  if (status.size > LARGEST) {
    throw new KeyFileError("malformed", path, `has ${status.size} bytes, too many for a key`);
  }
  if (hasFileModes && (status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw new KeyFileError("permissions", path, `others may read it (mode ${mode}); run: chmod 600 ${path}`);
  }
}

async function createFile(files: Files, path: string): Promise<Identity> {
  const identity = await generateIdentity();
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await files.mkdir(files.dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(files, draft, encodePem(identity.seed));
    if (await publish(files, draft, path)) return identity;
  } catch (cause) {
    throw new KeyFileError("uncreatable", path, `cannot be made (${(cause as Error).message})`, cause);
  } finally {
    await files.rm(draft, { force: true }).catch(() => {}); // what failed before says more
  }
  return await loadFile(files, path) ??
    raise(new KeyFileError("uncreatable", path, "was made and removed by another process; try again"));
}

/** The content reaches the disk before the name does: a crash leaves a whole key or none. */
async function writeDurably(files: Files, path: string, text: string): Promise<void> {
  const file = await files.open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives the draft its name; false if that name was taken. `link` and the exclusive copy fail then,
 * where `rename` would overwrite. The copy is for file systems without links (FAT, some phones): there
 * a process that starts in the same moment may find the file half written and refuse it.
 */
async function publish(files: Files, draft: string, path: string): Promise<boolean> {
  try {
    await files.link(draft, path)
      .catch((cause) => codeOf(cause) === "EEXIST" ? raise(cause) : copy(files, draft, path));
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw cause;
  }
  await syncDirectory(files, files.dirname(path));
  return true;
}

function copy(files: Files, draft: string, path: string): Promise<void> {
  return files.copyFile(draft, path, files.constants.COPYFILE_EXCL);
}

/** Makes the new name survive a loss of power. Some systems cannot (Windows): the file is good all the same. */
async function syncDirectory(files: Files, path: string): Promise<void> {
  try {
    const directory = await files.open(path, "r");
    await directory.sync().finally(() => directory.close());
  } catch {
    return;
  }
}

function codeOf(cause: unknown): string | undefined {
  return (cause as { code?: string }).code;
}

function raise(error: Error): never {
  throw error;
}
