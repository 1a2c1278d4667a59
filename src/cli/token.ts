import { issueToken, type Quotas } from "../rendezvous/access.ts";
import { UsageError } from "./failure.ts";
import { loadKey } from "./key.ts";
import { peerNamed } from "./open_peer.ts";
import { defaultKeyFile } from "./places.ts";
import type { Terminal } from "./terminal.ts";

interface TokenChoices {
  key?: string;
  peer: string;
  network: string;
  /** Milliseconds. */
  ttl: number;
  quotas?: Quotas;
  json?: true;
}

/** `waymeet token new` */
export async function newToken(terminal: Terminal, choices: TokenChoices): Promise<void> {
  const { network, ttl, quotas } = choices;
  if (ttl < 1_000) throw new UsageError("a token is good for at least a second: --ttl 1h");
  const peer = await peerNamed(terminal, choices.peer);
  const issuer = await loadKey(terminal, choices.key || defaultKeyFile(terminal));
  const token = await issueToken(issuer, { peer, network, ttl: ttl / 1_000, quotas }).catch((error) => {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  });
  if (!choices.json) return await terminal.output.write(`${token}\n`);
  const expires = new Date(Date.now() + ttl).toISOString();
  await terminal.output.json({ event: "token", token, issuer: issuer.id, peer, network, expires });
}
