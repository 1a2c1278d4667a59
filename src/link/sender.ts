/**
 * The sending half of a conversation: numbers frames, keeps them until they are
 * acknowledged, finds out what was lost, and never has more under way than the
 * path's congestion window. Pure: time comes in, plaintext comes out.
 *
 * @module
 */
import type { Congestion, RoundTrip } from "./congestion.ts";
import { Fifo } from "./fifo.ts";
import { encodeNumbered, type Unnumbered } from "./frames.ts";
import { PROBE_BYTES, PROBES_IN_VAIN, REORDER } from "./limits.ts";
import { Track } from "./track.ts";
import { sizeOfAll } from "../wire/join_bytes.ts";

/** A numbered frame and what became of it. */
interface Chunk {
  /** Its pieces, of which long content is the application's own. */
  frame: Uint8Array[];
  readonly size: number;
  /** Called once everything up to this number has arrived. */
  readonly arrived: (() => void) | undefined;
  /** The path it last left by, and the number of the packet there. */
  track: Track;
  packet: number;
  sentAt: number;
  transmissions: number;
  /** It last left by another path, too: its arrival says nothing about which of the two brought it. */
  doubled: boolean;
  /** Counted as a loss of its path. */
  missed: boolean;
  /** `lost`: waits to leave (again). */
  state: "in-flight" | "lost" | "arrived";
}

/** A frame to send; `arrived` is called once the other side has it and everything before it. */
export interface Fresh {
  frame: Unnumbered;
  arrived?: () => void;
}

/** Something that has frames to send: the messages, a stream, the control queue. */
export interface Source {
  /** The next frame, as far as credit allows, or `undefined`. */
  next(): Fresh | undefined;
}

export class Sender {
  /** The path that carries what leaves now. */
  #track: Track;
  readonly #source: Source;
  /** Everything from `base` on: numbered, and not cumulatively acknowledged. */
  readonly #chunks: Fifo<Chunk> = new Fifo();
  #base = 1;
  /** Numbers below have left at least once: nothing else can be acknowledged. */
  #sentBelow = 1;
  #lost: Fifo<Chunk> = new Fifo();
  #fresh = true;
  #tries = 0;
  /** One packet may leave although the window is full: the probe that finds out whether anything arrives. */
  #urgent = false;
  #probeAt = Infinity;
  /** What left by a former path is given up then. */
  #stragglersAt = Infinity;

  constructor(source: Source, track: Track = new Track()) {
    this.#source = source;
    this.#track = track;
  }

  get roundTrip(): RoundTrip {
    return this.#track.roundTrip;
  }

  get congestion(): Congestion {
    return this.#track.congestion;
  }

  /** Numbered frames that have not arrived yet, sent or to be sent again. */
  get outstanding(): boolean {
    return this.#chunks.length > 0;
  }

  /** Waits in a row that ended without any acknowledgement. */
  get unanswered(): number {
    return this.#tries;
  }

  /** When {@link expire} wants to be called, on the caller's clock. */
  get deadline(): number {
    return Math.min(this.#probeAt, this.#stragglersAt);
  }

  /** The source has something new: `transmit` will ask it again. */
  wake(): void {
    this.#fresh = true;
  }

  /** Whether `transmit` may yield something. */
  get ready(): boolean {
    const mayRepeat = this.congestion.room || this.#urgent;
    return (this.#lost.length > 0 && mayRepeat) || (this.#fresh && this.congestion.room);
  }

  /**
   * Appends frames to `parts` up to `room` bytes (one frame at least); returns the bytes added.
   * `doubled`: they leave by another path than the one in use, too.
   */
  transmit(parts: Uint8Array[], room: number, now: number, doubled: boolean = false): number {
    let size = 0;
    for (;;) {
      const chunk = this.#take(room - size, size === 0);
      if (!chunk) break;
      this.#depart(chunk, now);
      chunk.doubled = doubled;
      parts.push(...chunk.frame);
      size += chunk.size;
    }
    this.#urgent = false;
    if (size > 0) {
      this.#track.nextPacket++;
      // Counted from the first that waits: a steady flow would put the doubt off for ever.
      if (this.#probeAt === Infinity) this.#probeAt = now + this.roundTrip.patience(this.#tries);
    }
    return size;
  }

  #take(room: number, first: boolean): Chunk | undefined {
    const again = this.#nextLost();
    if (again) {
      const may = this.congestion.room || this.#urgent;
      return may && (first || again.size <= room) ? this.#lost.shift() : undefined;
    }
    if (!this.#fresh || !this.congestion.room) return undefined;
    return this.#takeFresh(room, first);
  }

  #nextLost(): Chunk | undefined {
    while (this.#lost.length > 0 && this.#lost.at(0)!.state !== "lost") this.#lost.shift();
    return this.#lost.at(0);
  }

  #takeFresh(room: number, first: boolean): Chunk | undefined {
    const next = this.#source.next();
    if (!next) {
      this.#fresh = false;
      return undefined;
    }
    const frame = encodeNumbered(next.frame, this.#nextSeq);
    const chunk: Chunk = {
      frame,
      size: sizeOfAll(frame),
      arrived: next.arrived,
      track: this.#track,
      packet: 0,
      sentAt: 0,
      transmissions: 0,
      doubled: false,
      missed: false,
      state: "lost",
    };
    this.#chunks.push(chunk);
    if (first || chunk.size <= room) return chunk;
    this.#lost.push(chunk); // numbered already: it leads the next packet
    return undefined;
  }

  get #nextSeq(): number {
    return this.#base + this.#chunks.length;
  }

  #depart(chunk: Chunk, now: number): void {
    if (chunk.transmissions === 0) this.#sentBelow++;
    chunk.track = this.#track;
    chunk.packet = this.#track.nextPacket;
    chunk.sentAt = now;
    chunk.transmissions++;
    chunk.missed = false;
    chunk.state = "in-flight";
    this.#track.sent++;
    this.congestion.sent(chunk.size);
  }

  /** Notes whether something waits that the path holds back: its window, or `full`, what it has queued. */
  measure(now: number, full: boolean): void {
    const waits = this.#fresh || this.#lost.length > 0;
    this.#track.limit(waits && (full || !this.congestion.room), now);
  }

  /** Takes in an acknowledgement that came by a path. False: it acknowledges what was never sent, which no honest side does. */
  acknowledge(next: number, ranges: number[], now: number, by: Track = this.#track): boolean {
    const top = ranges.at(-1) ?? next;
    if (next > this.#sentBelow || top > this.#sentBelow) return false;
    const arrived = this.#collect(next, ranges);
    if (arrived.length === 0) return true;
    this.#learn(arrived, now, by);
    const done = this.#settle(next);
    this.#tries = 0;
    this.#findLost();
    this.#probeAt = this.outstanding ? now + this.roundTrip.patience(0) : Infinity;
    for (const chunk of done) chunk.arrived?.();
    return true;
  }

  /** The chunks of which this acknowledgement is the first news. */
  #collect(next: number, ranges: number[]): Chunk[] {
    const news: Chunk[] = [];
    this.#mark(this.#base, next, news);
    for (let i = 0; i < ranges.length; i += 2) this.#mark(ranges[i]!, ranges[i + 1]!, news);
    return news;
  }

  #mark(from: number, to: number, news: Chunk[]): void {
    for (let seq = Math.max(from, this.#base); seq < to; seq++) {
      const chunk = this.#chunks.at(seq - this.#base)!;
      if (chunk.state === "arrived") continue;
      const { track, size } = chunk;
      if (chunk.state === "in-flight") track.congestion.acknowledged(size, chunk.packet);
      else if (chunk.missed) track.lost--; // late, not lost
      track.bytes += size;
      chunk.state = "arrived";
      news.push(chunk);
    }
  }

  /** Everything below `next` has arrived: it is forgotten. */
  #settle(next: number): Chunk[] {
    const done = this.#chunks.drop(Math.max(0, next - this.#base));
    this.#base += done.length;
    return done;
  }

  /** Round trip and youngest arrival. What left once comes first: it tells how soon an answer can be one. */
  #learn(arrived: Chunk[], now: number, by: Track): void {
    for (const chunk of arrived) if (chunk.transmissions === 1 && !chunk.doubled) progress(chunk, now, by);
    const track = this.#track;
    const told = arrived.filter((chunk) => chunk.track === track && !chunk.doubled);
    const once = youngest(told, ({ transmissions }) => transmissions === 1);
    if (once && once.packet > track.newest.packet) {
      track.newest = { packet: once.packet, sentAt: once.sentAt };
      this.roundTrip.sample(now - once.sentAt);
    }
    // Sent again, it does not tell which of the two arrived (Karn's algorithm), unless
    // the answer came too late to be one to the former (RFC 8985 §6.2).
    const again = youngest(told, ({ transmissions }) => transmissions > 1);
    if (!again || again.packet <= track.newest.packet) return;
    if (now - again.sentAt < (this.roundTrip.least ?? 0)) return;
    track.newest = { packet: again.packet, sentAt: again.sentAt };
    progress(again, now, by);
  }

  /** What left well before something that arrived, and did not arrive, is lost (RFC 9002 §6.1). */
  #findLost(): void {
    const { packet, sentAt } = this.#track.newest;
    const before = sentAt - (9 / 8) * (this.roundTrip.smoothed ?? Infinity);
    for (const chunk of this.#chunks) {
      if (chunk.track !== this.#track) continue;
      // Numbers sent once left in ascending packets: from here on all are too young.
      if (chunk.transmissions <= 1 && chunk.packet >= packet) break;
      if (chunk.state !== "in-flight" || chunk.packet >= packet) continue;
      if (chunk.packet > packet - REORDER && chunk.sentAt > before) continue;
      this.#lose(chunk);
      this.#lost.push(chunk);
      chunk.missed = true;
      this.#track.lost++;
      this.congestion.lost(chunk.packet, this.#track.nextPacket);
    }
  }

  #lose(chunk: Chunk): void {
    chunk.state = "lost";
    chunk.track.congestion.dropped(chunk.size);
  }

  /** A node on that path said that it dropped something: halve, once per event. */
  congested({ congestion, nextPacket }: Track = this.#track): void {
    congestion.lost(nextPacket - 1, nextPacket);
  }

  /**
   * From now on packets leave by another path. `abrupt`: nothing under way is believed to
   * arrive, so it goes again at once; otherwise what was not acknowledged after as long
   * as the former path takes goes again. Duplicates are dropped there by number.
   */
  moveTo(track: Track, now: number, abrupt: boolean): void {
    if (track === this.#track) return;
    const patience = this.roundTrip.patience(0);
    this.#track.limit(false, now);
    this.#track = track;
    if (abrupt) track.congestion.restart();
    if (abrupt || !this.outstanding) return this.resend();
    this.#tries = 0;
    this.#stragglersAt = now + patience;
    this.#probeAt = now + this.roundTrip.patience(0);
  }

  /**
   * The wait for an acknowledgement is over: the oldest chunk goes out again. When even
   * that stays unanswered everything under way is taken for lost; what arrived after all
   * is dropped there by its number.
   */
  expire(now: number): void {
    if (now >= this.#stragglersAt) this.#loseStragglers();
    if (now < this.#probeAt) return;
    this.#tries++;
    this.#probeAt = now + this.roundTrip.patience(this.#tries);
    this.#urgent = true;
    if (this.#tries >= PROBES_IN_VAIN) {
      this.#loseAll();
      this.congestion.collapse();
    } else this.#loseOldest();
  }

  #loseOldest(): void {
    this.#markOldest();
    this.#queueLost();
  }

  #markOldest(): void {
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (chunk.state !== "in-flight") continue;
      if (bytes > 0 && bytes + chunk.size > PROBE_BYTES) return;
      bytes += chunk.size;
      this.#lose(chunk);
    }
  }

  #loseStragglers(): void {
    this.#stragglersAt = Infinity;
    for (const chunk of this.#chunks) {
      if (chunk.state === "in-flight" && chunk.track !== this.#track) this.#lose(chunk);
    }
    this.#queueLost();
  }

  #loseAll(): void {
    this.#stragglersAt = Infinity;
    for (const chunk of this.#chunks) if (chunk.state === "in-flight") this.#lose(chunk);
    this.#queueLost();
  }

  /** The lowest number leads: everything behind it waits for it over there. */
  #queueLost(): void {
    this.#lost = new Fifo();
    for (const chunk of this.#chunks) if (chunk.state === "lost") this.#lost.push(chunk);
  }

  /** The path came back or another took over: what was under way went down with it. */
  resend(): void {
    this.#loseAll();
    this.#tries = 0;
    this.#probeAt = Infinity;
    this.#track.newest = { packet: this.#track.nextPacket - 1, sentAt: -Infinity };
  }

  /** The packet under way was sent a second time as it was: answers to it measure nothing. */
  repeated(): void {
    for (const chunk of this.#chunks) if (chunk.state === "in-flight") chunk.transmissions++;
  }

  /** These bytes are the application's again: what is still to leave (again) of them is copied. */
  copy({ buffer }: Uint8Array): void {
    for (const chunk of this.#chunks) {
      chunk.frame = chunk.frame.map((piece) => piece.buffer === buffer ? new Uint8Array(piece) : piece);
    }
  }

  /** The path is down: no deadline runs until {@link resend}. */
  pause(): void {
    this.#probeAt = this.#stragglersAt = Infinity;
  }
}

/**
 * Sent once, or known to be the last try, and by one path: that path carried it. An acknowledgement
 * that came by it, too, shows that it is alive now; by another path, that it was alive then. Those of
 * a path that died may have died with it, and what they told comes later by the relay.
 */
function progress({ track, sentAt }: Chunk, now: number, by: Track): void {
  track.progressAt = Math.max(track.progressAt, by === track ? now : sentAt);
}

function youngest(chunks: Chunk[], counts: (chunk: Chunk) => boolean): Chunk | undefined {
  let best: Chunk | undefined;
  for (const chunk of chunks) if (counts(chunk) && !(best && chunk.packet <= best.packet)) best = chunk;
  return best;
}
