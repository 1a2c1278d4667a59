import { STREAM_START, STREAM_WINDOW } from "./limits.ts";

/** The incoming direction of a byte stream: what has arrived and is unread, and the credit for more. Pure. */
export class ReadHalf {
  state: "open" | "ended" | "reset" = "open";
  private arrived: Uint8Array[] = [];
  private received = 0;
  private unread = 0;
  private granted = STREAM_START;

  get over(): boolean {
    return this.state === "reset" || (this.state === "ended" && this.unread === 0);
  }

  /** False: the other side overdrew its credit or wrote after its end. */
  take(bytes: Uint8Array): boolean {
    this.received += bytes.length;
    if (this.received > this.granted || this.state === "ended") return false;
    if (this.state === "reset") return true; // was under way when we stopped reading
    this.arrived.push(bytes);
    this.unread += bytes.length;
    return true;
  }

  end(): void {
    if (this.state === "open") this.state = "ended";
  }

  /** Drops what is unread. False when the end had come already. */
  reset(): boolean {
    if (this.over) return false;
    this.state = "reset";
    this.arrived = [];
    this.unread = 0;
    return true;
  }

  /** The next bytes, `"end"`, or `undefined` when nothing is there yet. */
  read(): Uint8Array | "end" | undefined {
    const bytes = this.arrived.shift();
    if (bytes) {
      this.unread -= bytes.length;
      return bytes;
    }
    return this.state === "ended" ? "end" : undefined;
  }

  /** A new credit worth telling, if any. */
  credit(): number | undefined {
    if (this.state !== "open") return undefined;
    const read = this.received - this.unread;
    const limit = read + (read > 0 ? STREAM_WINDOW : STREAM_START);
    if (limit - this.granted < STREAM_START / 2) return undefined;
    this.granted = limit;
    return limit;
  }
}
