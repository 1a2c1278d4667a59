import { safetyWords } from "../identity/words.ts";
import { loadKey } from "./key.ts";
import { defaultKeyFile } from "./places.ts";
import type { Terminal } from "./terminal.ts";

/** `waymeet id` */
export async function printId(
  terminal: Terminal,
  choices: { key?: string; words?: true; json?: true },
): Promise<void> {
  const { id, publicKey } = await loadKey(terminal, choices.key || defaultKeyFile(terminal));
  const words = choices.words && safetyWords(publicKey);
  if (choices.json) return await terminal.output.json({ event: "id", id, ...words ? { words } : {} });
  await terminal.output.write(words ? `${id}\n${words.join(" ")}\n` : `${id}\n`);
}
