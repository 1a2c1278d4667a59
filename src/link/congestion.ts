import { PROBE_MAX, PROBE_MIN, RTT_START, WINDOW_MAX, WINDOW_MIN, WINDOW_START } from "./limits.ts";

/** Round-trip time of one path (RFC 6298 §2), milliseconds. */
export class RoundTrip {
  smoothed: number | undefined;
  /** The shortest seen: what was answered sooner after it was sent again was answered before. */
  least: number | undefined;
  #variation = 0;

  sample(rtt: number): void {
    this.least = Math.min(rtt, this.least ?? rtt);
    if (this.smoothed === undefined) {
      this.smoothed = rtt;
      this.#variation = rtt / 2;
      return;
    }
    this.#variation += (Math.abs(this.smoothed - rtt) - this.#variation) / 4;
    this.smoothed += (rtt - this.smoothed) / 8;
  }

  /** What a path was measured to take before anything was sent over it; it does not tell answers apart ({@link least}). */
  seed(rtt: number): void {
    if (this.smoothed !== undefined) return;
    this.smoothed = rtt;
    this.#variation = rtt / 2;
  }

  /** How long to wait for an acknowledgement after `tries` waits in vain (protocol rule 13). */
  patience(tries: number): number {
    const rtt = this.smoothed ?? RTT_START;
    const base = Math.max(PROBE_MIN, 3 * rtt, rtt + 4 * this.#variation);
    return Math.min(base * 2 ** tries, Math.max(PROBE_MAX, base));
  }
}

/**
 * Congestion window of one path in bytes: slow start and halving (RFC 9002 §7,
 * NewReno). A relayed path is TCP hop by hop; what this bounds is the queue that
 * builds up in a node before a slow receiver.
 */
export class Congestion {
  window: number = WINDOW_START;
  inFlight = 0;
  #threshold = Infinity;
  /** Packets numbered below were sent before the last halving: their loss is the same event. */
  #recoverUntil = 0;

  get room(): boolean {
    return this.inFlight < this.window;
  }

  sent(bytes: number): void {
    this.inFlight += bytes;
  }

  /** Bytes that left the path unacknowledged: found lost, or forgotten with the path. */
  dropped(bytes: number): void {
    this.inFlight -= bytes;
  }

  acknowledged(bytes: number, packet: number): void {
    const full = this.inFlight >= this.window / 2;
    this.inFlight -= bytes;
    // A window that was not used says nothing about what the path carries (RFC 9002 §7.8).
    if (!full || packet < this.#recoverUntil) return;
    const growth = this.window < this.#threshold ? bytes : (bytes * WINDOW_MIN) / 2 / this.window;
    this.window = Math.min(WINDOW_MAX, this.window + growth);
  }

  /** Packet number `packet` was lost; `next` is the number the next packet will have. */
  lost(packet: number, next: number): void {
    if (packet < this.#recoverUntil) return;
    this.#recoverUntil = next;
    this.window = Math.max(WINDOW_MIN, this.window / 2);
    this.#threshold = this.window;
  }

  /**
   * Nothing left by the path for a while: begins with little, and grows at once to what it had
   * (RFC 5681 §4.1). A relay's TCP begins anew, too: the first bytes of a whole window, which is
   * one WebSocket message, took eight round trips to come out at the other end (measured, 330 ms).
   */
  restart(): void {
    this.#threshold = Math.max(this.#threshold, this.window);
    this.window = WINDOW_MIN;
  }

  /** Nothing got through for a while (persistent congestion, RFC 9002 §7.6): begins anew, carefully. */
  collapse(): void {
    this.#threshold = Math.max(WINDOW_MIN, this.window / 2);
    this.window = WINDOW_MIN;
  }
}
