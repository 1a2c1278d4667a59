import { aliasFile } from "./places.ts";
import { type Aliases, checkAliasName, readAliases, resolvePeer, writeAliases } from "./aliases.ts";
import { Failure, UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

interface AliasChoices {
  remove?: string;
  json?: true;
}

/** `waymeet alias`: lists, shows, sets or removes. */
export async function alias(
  terminal: Terminal,
  name: string | undefined,
  peer: string | undefined,
  choices: AliasChoices,
): Promise<void> {
  const path = aliasFile(terminal);
  const aliases = await readAliases(path);
  if (choices.remove !== undefined) {
    if (name !== undefined) throw new UsageError("one thing at a time: waymeet alias --remove NAME");
    return await remove(path, aliases, choices.remove);
  }
  if (name === undefined) return await print(terminal, aliases, choices);
  if (peer === undefined) return await print(terminal, only(aliases, name), choices);
  checkAliasName(name);
  await writeAliases(path, new Map([...aliases, [name, resolvePeer(peer, aliases)]]));
}

async function remove(path: string, aliases: Aliases, name: string): Promise<void> {
  const [removed] = only(aliases, name).keys();
  await writeAliases(path, new Map([...aliases].filter(([kept]) => kept !== removed)));
}

function only(aliases: Aliases, name: string): Aliases {
  const peer = aliases.get(name);
  if (peer === undefined) {
    throw new Failure("no-alias", `there is no alias "${name}"; waymeet alias lists them`);
  }
  return new Map([[name, peer]]);
}

async function print(terminal: Terminal, aliases: Aliases, { json }: AliasChoices): Promise<void> {
  for (const [name, peer] of aliases) {
    if (json) await terminal.output.json({ event: "alias", name, peer });
    else await terminal.output.write(`${name}\t${peer}\n`);
  }
}
