/**
 * A command's own peer: opened from its options, closed politely at its end.
 *
 * @module
 */
import type { Peer } from "../mod.node.ts";
import type { AcceptPolicy } from "../peer/options.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { readAliases, resolvePeer } from "./aliases.ts";
import { Failure, UsageError } from "./failure.ts";
import { loadKey } from "./key.ts";
import { configureLog } from "./log.ts";
import type { PeerChoices } from "./peer_options.ts";
import { aliasFile, defaultKeyFile } from "./places.ts";
import type { Terminal } from "./terminal.ts";

/** A peer at work for a command. */
export interface Presence {
  peer: Peer;
  /** Rejects when the node has turned the peer away for good, for instance because another program has its key. */
  stopped: Promise<never>;
  /** Fires when the user wants to end. */
  interrupt: AbortSignal;
}

/** Options that are the command's, not the user's. */
export interface Manner {
  accept: AcceptPolicy;
  /** Open although no node answers yet. */
  offline?: boolean;
  /** Who will be dialled at once. */
  toward?: PeerId[];
}

/** The peer that an id or alias on the command line means. */
export async function peerNamed(terminal: Terminal, text: string): Promise<PeerId> {
  return resolvePeer(text, await readAliases(aliasFile(terminal)));
}

/** Opens a peer, runs `use`, and closes the peer whatever happens. */
export async function withPeer<T>(
  terminal: Terminal,
  choices: PeerChoices,
  manner: Manner,
  use: (presence: Presence) => Promise<T>,
): Promise<T> {
  if (!choices.node?.length) {
    throw new UsageError("name a node to meet at: --node wss://… (or WAYMEET_NODES)");
  }
  await configureLog(terminal, choices);
  const interrupt = terminal.interrupt();
  const peer = await open(terminal, choices, manner, interrupt);
  try {
    return await use({ peer, stopped: stopped(peer), interrupt });
  } finally {
    await peer.close();
  }
}

async function open(
  terminal: Terminal,
  choices: PeerChoices,
  manner: Manner,
  signal: AbortSignal,
): Promise<Peer> {
  const sdk = terminal.runtime === "bun" ? await import("../mod.ts") : await import("../mod.node.ts");
  const { node: nodes, network, token, insecure } = choices;
  const key = await loadKey(terminal, choices.key || defaultKeyFile(terminal));
  try {
    return await sdk.Peer.open({
      nodes: nodes!,
      key,
      network,
      token: token || undefined,
      insecure,
      signal,
      agent: "waymeet-cli",
      ...manner,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace(/say "insecure"/, "add --insecure"), { cause: error });
  }
}

function stopped(peer: Peer): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    peer.addEventListener("node", ({ state, reason, text, url }) => {
      if (state === "stopped") {
        reject(new Failure(reason ?? "refused", `${url} ended the session: ${text || reason}`));
      }
    });
  });
  stopped.catch(() => {}); // commands look at it when they wait for something
  return stopped;
}

/** Rejects when the user wants to end. */
export function interrupted(signal: AbortSignal): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    const stop = () => reject(new Failure("interrupted", "interrupted"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
  });
  interrupted.catch(() => {});
  return interrupted;
}

/** Resolves when the user wants to end. */
export function interruption(signal: AbortSignal): Promise<void> {
  return interrupted(signal).catch(() => {});
}
