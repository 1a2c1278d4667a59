import type { Link } from "../link/link.ts";
import type { Message } from "../link/message.ts";
import { interruption, type Presence, withPeer } from "./open_peer.ts";
import type { PeerChoices } from "./peer_options.ts";
import type { Terminal } from "./terminal.ts";

export interface ListenChoices extends PeerChoices {
  echo?: true;
}

/** Bytes of output that may wait for the reader before messages do. */
const MAX_PENDING = 65_536;

/** `waymeet listen` */
export async function listen(terminal: Terminal, choices: ListenChoices): Promise<void> {
  await withPeer(terminal, choices, { accept: "all" }, async (presence) => {
    const listener = new Listener(terminal, choices);
    const end = [presence.stopped, terminal.output.failed, interruption(presence.interrupt)];
    await Promise.race([listener.run(presence), ...end]);
  });
}

class Listener {
  readonly #terminal: Terminal;
  readonly #choices: ListenChoices;

  constructor(terminal: Terminal, choices: ListenChoices) {
    this.#terminal = terminal;
    this.#choices = choices;
  }

  /** Rejects when the output cannot be written any more. */
  async run({ peer }: Presence): Promise<never> {
    const broken = new Promise<never>((_, reject) => {
      peer.addEventListener("link", ({ link }) => void this.#serve(link).catch(reject));
    });
    peer.addEventListener("node", ({ state, url, plane, reason, text, retryIn }) => {
      this.#event(
        { event: "node", state, url, plane, reason, text, retryIn },
        state === "connected" || state === "promoted" ? `${plane} is ${url}` : `${url}: ${text || reason}`,
      );
    });
    this.#event({ event: "ready", id: peer.id, url: peer.node?.url }, `listening as ${peer.id}`);
    return await broken;
  }

  async #serve(link: Link): Promise<void> {
    const { peer } = link;
    link.addEventListener("presence", () => this.#path(link));
    link.addEventListener("restart", () => this.#event({ event: "restart", peer }, `${peer} began anew`));
    link.addEventListener(
      "close",
      ({ by, reason }) =>
        this.#event(
          { event: "closed", peer, by, reason },
          `closed: ${peer} (${by}${reason && `: ${reason}`})`,
        ),
    );
    this.#event({ event: "link", peer }, `link: ${peer}`);
    this.#path(link);
    for await (const message of link) await this.#take(link, message);
    await link.close();
  }

  /** Acknowledged when the reader of the output has it; a reader that stalls stalls the sender. */
  async #take(link: Link, message: Message): Promise<void> {
    const { output } = this.#terminal;
    const written = output.write(this.#lineOf(message)).then(() => message.ack());
    written.catch(() => {}); // it ends the command, see `output.failed`
    if (output.pending > MAX_PENDING) await written;
    if (this.#choices.echo) await link.send(message).catch((error) => this.#complain(error));
  }

  #lineOf({ id, from, data }: Message): Uint8Array | string {
    if (!this.#choices.json) return withNewline(this.#terminal.output.isTerminal ? harmless(data) : data);
    const text = utf8(data);
    const content = text === undefined ? { base64: base64(data) } : { text };
    return `${JSON.stringify({ event: "message", from, id, ...content })}\n`;
  }

  #path(link: Link): void {
    const { kind, why, rtt } = link.path;
    const { connected, peer } = link;
    this.#event(
      { event: "path", peer, connected, kind, why, rtt },
      `${connected ? why : "waiting for"} ${peer}`,
    );
  }

  #complain(error: Error): void {
    this.#terminal.errors.write(`waymeet: the echo did not arrive: ${error.message}\n`);
  }

  #event(fields: Record<string, unknown>, text: string): void {
    if (this.#choices.json) void this.#terminal.output.json(fields); // a failure ends the command, see above
    else this.#terminal.errors.write(`waymeet: ${text}\n`);
  }
}

function withNewline(bytes: Uint8Array): Uint8Array {
  const line = new Uint8Array(bytes.length + 1);
  line.set(bytes);
  line[bytes.length] = 10;
  return line;
}

/** A stranger's bytes must not drive the terminal: escape sequences could rewrite what was there. */
function harmless(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes).replace(/[^\P{C}\n\t]/gu, "\u{fffd}");
  return new TextEncoder().encode(text);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8_192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return btoa(binary);
}
