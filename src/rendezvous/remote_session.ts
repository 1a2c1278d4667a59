/**
 * A session that another object holds, as a {@link Session}: so seats, relay, notices, watches and
 * topics serve it like any other.
 *
 * @module
 */
import { type PeerId, peerIdBytes } from "../identity/peer_id.ts";
import { Outbox } from "../session/outbox.ts";
import type { Session, SessionEnd, SessionState } from "../session/session.ts";
import { type AuthBody, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import type { PeerPort } from "./object_ports.ts";

export interface RemoteSessionOptions {
  peer: PeerId;
  port: PeerPort;
  /** What the handshake proved; nothing where only frames are passed on. */
  auth?: AuthBody;
  id?: string;
  /** The other object did not take something: it is gone, or was never there. */
  lost?: () => void;
  /** The session was ended from here. */
  closed?: (session: Session, end: SessionEnd) => void;
}

export class RemoteSession implements Session {
  readonly remote: PeerId;
  readonly remoteKey: Uint8Array;
  readonly auth: AuthBody | undefined;
  readonly id: string;
  readonly rtt: undefined = undefined;
  readonly pingsSent: number = 0;
  readonly pongsMatched: number = 0;
  readonly copies: boolean = false;
  state: SessionState = "ready";
  readonly #o: RemoteSessionOptions;
  readonly #outbox = new Outbox();
  /** Bytes that the other object has not answered for. */
  #under = 0;

  constructor(options: RemoteSessionOptions) {
    this.remote = options.peer;
    this.remoteKey = peerIdBytes(options.peer);
    this.auth = options.auth;
    this.id = options.id ?? "";
    this.#o = options;
    const send = (message: Uint8Array | string) => this.#tell(message as Uint8Array);
    this.#outbox.socket = { send, buffered: 0, close() {}, terminate() {} };
  }

  get buffered(): number {
    return this.#under + this.#outbox.size;
  }

  send(frame: Uint8Array): number {
    if (this.state !== "ready") return -1;
    this.#outbox.add(frame);
    return this.buffered;
  }

  sendBatch(batch: Uint8Array): number {
    if (this.state !== "ready") return -1;
    this.#outbox.flush();
    return this.#tell(batch);
  }

  /** A call to the other object is a message of its own. */
  gathers(): boolean {
    return false;
  }
  gather(): void {}

  /** Data frames of `source`, and what became of them. The batch MUST NOT change before. */
  async take(source: Uint8Array, batch: Uint8Array, frames: number): Promise<Reason> {
    this.#under += batch.length;
    try {
      return await this.#o.port.take(source, batch, frames);
    } catch {
      this.#o.lost?.(); // the object ended under it: what it did is not known
      return Reason.inDoubt;
    } finally {
      this.#under -= batch.length;
    }
  }

  close(reason: Reason, text: string = reasonName(reason), nodes: string[] = []): void {
    if (this.state !== "ready") return;
    this.#outbox.flush();
    this.state = "draining";
    const end: SessionEnd = { reason, text, nodes, by: "local", wasReady: true };
    const closed = () => {
      this.state = "closed";
      this.#o.closed?.(this, end);
    };
    this.#o.port.end(this.id, reason, text, nodes).then(closed, closed);
  }

  /** Liveness is between the peer and its own object. */
  probe(): void {}
  ask(): void {}

  #tell(batch: Uint8Array): number {
    this.#under += batch.length;
    this.#o.port.tell(batch).catch(() => false).then((took) => {
      this.#under -= batch.length;
      if (!took) this.#o.lost?.();
    });
    return this.buffered;
  }
}
