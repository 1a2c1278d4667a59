import type { PeerId } from "../identity/peer_id.ts";

/**
 * A message that arrived. It was acknowledged to its sender (`delivered`) when this
 * process took it in; {@link Message.ack} tells the sender more: that the application
 * is done with it (`processed`), for instance that it is on disk.
 */
export class Message {
  /** 32 hex digits, chosen by the sender; the same again if it had to be sent to a restarted process. */
  readonly id: string;
  readonly from: PeerId;
  /** It may be a part of a larger buffer: with `data.buffer` goes `data.byteOffset`. */
  readonly data: Uint8Array;
  readonly #processed: () => void;
  #acknowledged = false;

  constructor(id: string, from: PeerId, data: Uint8Array, processed: () => void) {
    this.id = id;
    this.from = from;
    this.data = data;
    this.#processed = processed;
  }

  /** The data as UTF-8 text; bytes that are none become U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.data);
  }

  /** Tells the sender that the application is done with this message. The second call does nothing. */
  ack(): void {
    if (this.#acknowledged) return;
    this.#acknowledged = true;
    this.#processed();
  }
}

/** The bytes of 32 hex digits, or `undefined`. */
export function messageId(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{32}$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
}
