import type { LiveSession } from "./live_session.ts";
import type { Session } from "./session.ts";
import type { SocketHandlers } from "./socket.ts";

/** What a socket tells a session. A class, so that thousands of sessions share its functions. */
export class Ears implements Required<SocketHandlers> {
  readonly #session: LiveSession;

  constructor(session: LiveSession) {
    this.#session = session;
  }
  /** Whose ears they are. */
  get session(): Session {
    return this.#session;
  }
  open(): void {
    this.#session.opened();
  }
  message(message: Uint8Array | string): void {
    this.#session.receive(message);
  }
  drain(): void {
    this.#session.drained();
  }
  close(code: number, reason: string): void {
    this.#session.feed({ type: "socketClosed", code, text: reason });
  }
}
