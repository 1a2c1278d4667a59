/**
 * The sending half of a conversation: numbers frames, keeps them until they are
 * acknowledged, finds out what was lost, and never has more under way than the
 * path's congestion window. Pure: time comes in, plaintext comes out.
 *
 * @module
 */
import { Congestion, RoundTrip } from "./congestion.ts";
import { encodeNumbered, type Unnumbered } from "./frames.ts";
import { REORDER } from "./limits.ts";

/** A numbered frame and what became of it. */
interface Chunk {
  readonly seq: number;
  readonly frame: Uint8Array;
  /** Called once everything up to this number has arrived. */
  readonly arrived: (() => void) | undefined;
  /** Number of the packet it last left in. */
  packet: number;
  sentAt: number;
  transmissions: number;
  state: "in-flight" | "lost" | "arrived";
}

/** Something that has frames to send: the messages, a stream, the control queue. */
export interface Source {
  /** The next frame, as far as credit allows, or `undefined`. */
  next(): { frame: Unnumbered; arrived?: () => void } | undefined;
}

export class Sender {
  readonly roundTrip: RoundTrip = new RoundTrip();
  readonly congestion: Congestion = new Congestion();
  private readonly source: Source;
  /** Everything from `base` on: sent, and not cumulatively acknowledged. */
  private chunks: Chunk[] = [];
  private base = 1;
  private nextSeq = 1;
  private nextPacket = 1;
  private lost: Chunk[] = [];
  private fresh = true;
  /** Highest packet of which something sent only once has arrived. */
  private newestArrived = 0;
  private tries = 0;
  /** One packet may leave although the window is full: the probe that finds out whether anything arrives. */
  private urgent = false;
  private probeAt = Infinity;

  constructor(source: Source) {
    this.source = source;
  }

  /** Numbered frames that have not arrived yet, sent or to be sent again. */
  get outstanding(): boolean {
    return this.chunks.length > 0;
  }

  /** Waits in a row that ended without any acknowledgement. */
  get unanswered(): number {
    return this.tries;
  }

  /** When {@link expire} wants to be called, on the caller's clock. */
  get deadline(): number {
    return this.probeAt;
  }

  /** The source has something new: `transmit` will ask it again. */
  wake(): void {
    this.fresh = true;
  }

  /** Whether `transmit` may yield something. */
  get ready(): boolean {
    return (this.lost.length > 0 && (this.congestion.room || this.urgent)) || (this.fresh && this.congestion.room);
  }

  /** Appends frames to `parts` up to `room` bytes (one frame at least); returns the bytes added. */
  transmit(parts: Uint8Array[], room: number, now: number): number {
    const packet = this.nextPacket;
    let size = 0;
    for (;;) {
      const chunk = this.take(room - size, size === 0);
      if (!chunk) break;
      this.depart(chunk, packet, now);
      parts.push(chunk.frame);
      size += chunk.frame.length;
    }
    this.urgent = false;
    if (size > 0) {
      this.nextPacket++;
      this.probeAt = now + this.roundTrip.patience(this.tries);
    }
    return size;
  }

  private take(room: number, first: boolean): Chunk | undefined {
    const again = this.nextLost();
    if (again) {
      const may = this.congestion.room || this.urgent;
      return may && (first || again.frame.length <= room) ? this.lost.shift() : undefined;
    }
    if (!this.fresh || !this.congestion.room) return undefined;
    return this.takeFresh(room, first);
  }

  private nextLost(): Chunk | undefined {
    while (this.lost.length > 0 && this.lost[0]!.state !== "lost") this.lost.shift();
    return this.lost[0];
  }

  private takeFresh(room: number, first: boolean): Chunk | undefined {
    const next = this.source.next();
    if (!next) {
      this.fresh = false;
      return undefined;
    }
    const seq = this.nextSeq++;
    const frame = encodeNumbered(next.frame, seq);
    const chunk: Chunk = { seq, frame, arrived: next.arrived, packet: 0, sentAt: 0, transmissions: 0, state: "lost" };
    this.chunks.push(chunk);
    if (first || frame.length <= room) return chunk;
    this.lost.push(chunk); // numbered already: it leads the next packet
    return undefined;
  }

  private depart(chunk: Chunk, packet: number, now: number): void {
    chunk.packet = packet;
    chunk.sentAt = now;
    chunk.transmissions++;
    chunk.state = "in-flight";
    this.congestion.sent(chunk.frame.length);
  }

  /** Takes in an acknowledgement. False: it acknowledges what was never sent, which no honest side does. */
  acknowledge(next: number, ranges: number[], now: number): boolean {
    const top = ranges.at(-1) ?? next;
    if (next > this.nextSeq || top > this.nextSeq) return false;
    let news = this.settle(Math.min(next, this.base + this.chunks.length), now);
    for (let i = 0; i < ranges.length; i += 2) news = this.mark(ranges[i]!, ranges[i + 1]!, now) || news;
    if (!news) return true;
    this.tries = 0;
    this.findLost();
    this.probeAt = this.chunks.length > 0 ? now + this.roundTrip.patience(0) : Infinity;
    return true;
  }

  /** Everything below `next` has arrived: it is forgotten and its owners are told. */
  private settle(next: number, now: number): boolean {
    const count = next - this.base;
    if (count <= 0) return false;
    this.mark(this.base, next, now);
    const done = this.chunks.splice(0, count);
    this.base = next;
    for (const chunk of done) chunk.arrived?.();
    return true;
  }

  private mark(from: number, to: number, now: number): boolean {
    let news = false;
    for (let seq = Math.max(from, this.base); seq < to; seq++) {
      const chunk = this.chunks[seq - this.base];
      if (chunk && chunk.state !== "arrived") {
        this.arrive(chunk, now);
        news = true;
      }
    }
    return news;
  }

  private arrive(chunk: Chunk, now: number): void {
    if (chunk.state === "in-flight") this.congestion.acknowledged(chunk.frame.length, chunk.packet);
    chunk.state = "arrived";
    // Sent twice, it does not tell which of the two arrived (Karn's algorithm).
    if (chunk.transmissions !== 1 || chunk.packet <= this.newestArrived) return;
    this.newestArrived = chunk.packet;
    this.roundTrip.sample(now - chunk.sentAt);
  }

  /** What left well before something that arrived, and did not arrive, is lost (RFC 9002 §6.1.1). */
  private findLost(): void {
    const before = this.newestArrived - REORDER;
    for (const chunk of this.chunks) {
      // Numbers sent once left in ascending packets: from here on all are too young.
      if (chunk.transmissions === 1 && chunk.packet > before) break;
      if (chunk.state === "in-flight" && chunk.packet <= before) this.lose(chunk, true);
    }
  }

  private lose(chunk: Chunk, congested: boolean): void {
    chunk.state = "lost";
    this.congestion.dropped(chunk.frame.length);
    if (congested) this.congestion.lost(chunk.packet, this.nextPacket);
    this.lost.push(chunk);
  }

  /** A node said that it dropped something: halve, once per event. */
  congested(): void {
    this.congestion.lost(this.nextPacket - 1, this.nextPacket);
  }

  /** The wait for an acknowledgement is over: the oldest packet's worth goes out again. */
  expire(now: number): void {
    if (now < this.probeAt) return;
    this.tries++;
    this.probeAt = now + this.roundTrip.patience(this.tries);
    const oldest = this.chunks.filter((chunk) => chunk.state === "in-flight").slice(0, 4);
    for (const chunk of oldest) this.lose(chunk, false);
    this.urgent = true;
  }

  /** The path came back or another took over: what was under way went down with it. */
  resend(): void {
    for (const chunk of this.chunks) {
      if (chunk.state === "in-flight") this.lose(chunk, false);
    }
    this.tries = 0;
    this.probeAt = Infinity;
    this.newestArrived = this.nextPacket - 1;
    this.lost.sort((a, b) => a.seq - b.seq);
  }

  /** The path is down: no deadline runs until {@link resend}. */
  pause(): void {
    this.probeAt = Infinity;
  }
}
