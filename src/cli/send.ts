import type { Link } from "../link/link.ts";
import { Failure } from "./failure.ts";
import { everything, lines } from "./lines.ts";
import { interrupted, peerNamed, withPeer } from "./open_peer.ts";
import type { PeerChoices } from "./peer_options.ts";
import type { Terminal } from "./terminal.ts";

export interface SendChoices extends PeerChoices {
  lines?: true;
  /** Milliseconds to wait for a peer that is away. */
  wait: number;
  processed?: true;
}

/** `waymeet send PEER` */
export async function send(terminal: Terminal, name: string, choices: SendChoices): Promise<void> {
  const to = await peerNamed(terminal, name);
  const { wait } = choices;
  await withPeer(
    terminal,
    choices,
    { accept: "none", offline: wait > 0, toward: [to] },
    async ({ peer, stopped, interrupt }) => {
      const link = await Promise.race([peer.dial(to, { deadline: wait, signal: interrupt }), stopped]);
      const shipment = new Shipment(link, choices.processed === true);
      const obstacle = Promise.race([shipment.broken, stopped, interrupted(interrupt)]);
      try {
        await Promise.race([ship(shipment, messages(terminal, choices)), obstacle]);
      } catch (error) {
        throw shipment.failure(error);
      }
      if (choices.json) {
        await terminal.output.json({
          event: "sent",
          to,
          messages: shipment.sent,
          bytes: shipment.bytes,
        });
      }
    },
  );
}

async function* messages({ input, errors }: Terminal, choices: SendChoices): AsyncGenerator<Uint8Array[]> {
  if (input.isTerminal) {
    errors.write(`waymeet: type ${choices.lines ? "messages, one a line" : "a message"}; Ctrl-D ends\n`);
  }
  if (choices.lines) yield* lines(input.bytes());
  else yield [await everything(input.bytes())];
}

async function ship(shipment: Shipment, messages: AsyncIterable<Uint8Array[]>): Promise<void> {
  try {
    for await (const some of messages) await shipment.add(some);
  } finally {
    await shipment.settled(); // what was read before a fault of the input arrives all the same
  }
}

/** Messages under way at once: enough for any network, little enough for memory. */
const MAX_UNDER_WAY = 4_096;
/** Bytes under way at once, twice a link's window. One message may be larger. */
const MAX_BYTES_UNDER_WAY = 4_194_304;

/** Messages on their way to one peer: how many, and what became of them. */
class Shipment {
  sent = 0;
  bytes = 0;
  /** Rejects with the first failure. */
  readonly broken: Promise<never>;
  readonly #link: Link;
  readonly #processed: boolean;
  #underWay = 0;
  #bytesUnderWay = 0;
  #arrived = 0;
  #break!: (error: unknown) => void;
  #progress = (): void => {};

  constructor(link: Link, processed: boolean) {
    this.#link = link;
    this.#processed = processed;
    this.broken = new Promise((_, reject) => this.#break = reject);
    this.broken.catch(() => {});
    link.addEventListener("close", ({ by, reason }) => {
      this.#break(
        new Failure(
          "closed",
          by === "timeout"
            ? "there was no sign of the peer any more"
            : `the other side closed the link${reason && `: ${reason}`}`,
        ),
      );
    });
  }

  /**
   * Sends messages as far as there is room for them, many in one turn: they share packets
   * then. Once full it waits until half is through, so that the next are many again.
   */
  async add(messages: Uint8Array[]): Promise<void> {
    for (const data of messages) {
      if (!this.#fits(data.length, 1)) await this.#until(() => this.#fits(data.length, 0.5));
      this.#post(data);
    }
  }

  #fits(size: number, share: number): boolean {
    const room = this.#underWay < share * MAX_UNDER_WAY &&
      this.#bytesUnderWay + size <= share * MAX_BYTES_UNDER_WAY;
    return room || this.#underWay === 0;
  }

  #post(data: Uint8Array): void {
    const posted = this.#link.post(data, { asks: this.#processed });
    this.sent++;
    this.bytes += data.length;
    this.#underWay++;
    this.#bytesUnderWay += data.length;
    const arrival = this.#processed ? posted.processed : posted.delivered;
    arrival.then(() => this.#settle(data.length), this.#break);
  }

  /** Resolves when all are acknowledged; never after a failure. */
  async settled(): Promise<void> {
    await this.#until(() => this.#underWay === 0);
  }

  /** What to say when it broke off. */
  failure(error: unknown): unknown {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined) return error;
    const left = this.sent - this.#arrived;
    if (left > 0) {
      return new Failure(code, `${left} of ${this.sent} messages were not acknowledged: ${message}`, {
        cause: error,
      });
    }
    return this.sent === 0
      ? error
      : new Failure(code, `${message} (the ${this.sent} messages before were acknowledged)`, {
        cause: error,
      });
  }

  #settle(size: number): void {
    this.#underWay--;
    this.#bytesUnderWay -= size;
    this.#arrived++;
    this.#progress();
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#progress = resolve);
  }
}
