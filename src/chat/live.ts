/**
 * What is true only now and stored nowhere: who is there, how packets travel, how far a
 * file has come. The tab that holds the session knows it and tells the other tabs.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { LinkPath } from "../link/link.ts";

/** What is known of one other side. */
export interface Sight {
  /** As the mesh, or a link that answers, says. */
  online: boolean;
  /** Of the link, while there is one that answers. */
  path?: LinkPath;
}

export interface Live {
  /** `waiting`: another tab holds the session. */
  session: "connecting" | "connected" | "disconnected" | "stopped" | "waiting";
  /** The node, or why there is none. */
  note: string;
  sights: Record<PeerId, Sight>;
  /** Members of each group, by its name. */
  groups: Record<string, PeerId[]>;
  /** Bytes of files under way, by the entry's id. */
  progress: Record<string, number>;
}

export const NOTHING_YET: Live = { session: "waiting", note: "", sights: {}, groups: {}, progress: {} };

type Said = { kind: "what" } | { kind: "live"; live: Live };

/** The owner's side: tells each change, at most once per {@link GAP}, and whoever asks. */
export class LiveSource {
  readonly live: Live = structuredClone(NOTHING_YET);
  readonly #channel: BroadcastChannel;
  readonly #listener: (live: Live) => void;
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(peer: PeerId, listener: (live: Live) => void) {
    this.#listener = listener;
    this.#channel = new BroadcastChannel(channelOf(peer));
    this.#channel.onmessage = ({ data }) => (data as Said).kind === "what" && this.#tell();
  }

  /** Changes what is known; everybody hears of it in a moment. */
  change(edit: (live: Live) => void): void {
    edit(this.live);
    this.#due ??= setTimeout(() => this.#tell(), GAP);
  }

  close(): void {
    clearTimeout(this.#due);
    this.#channel.close();
  }

  #tell(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    const live = structuredClone(this.live);
    this.#channel.postMessage({ kind: "live", live } satisfies Said);
    this.#listener(live);
  }
}

/** What the other tabs hear. Returns the way to stop. */
export function followLive(peer: PeerId, listener: (live: Live) => void): () => void {
  const channel = new BroadcastChannel(channelOf(peer));
  channel.onmessage = ({ data }) => {
    const said = data as Said;
    if (said.kind === "live") listener(said.live);
  };
  channel.postMessage({ kind: "what" } satisfies Said);
  return () => channel.close();
}

/** Milliseconds between two tellings: a file's progress changes far oftener. */
const GAP = 50;

function channelOf(peer: PeerId): string {
  return `waymeet-live-${peer}`;
}
