import type { Identity } from "../identity/identity.ts";
import { fileKeyStore } from "../identity/key_file.ts";
import type { Terminal } from "./terminal.ts";

/** The identity in a key file; a missing file is made, and the user told so. */
export async function loadKey(terminal: Terminal, path: string): Promise<Identity> {
  const store = fileKeyStore(path);
  const stored = await store.load();
  if (stored !== undefined) return stored;
  const made = await store.create();
  terminal.errors.write(`waymeet: made a new key in ${path}\n`);
  return made;
}
