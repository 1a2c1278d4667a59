/** Data channels of a virtual world: the port of WebRTC stacks, with lines in place of a network. */
import type { Role } from "../../src/path/attempt.ts";
import type { LoadRtc, RtcEnd, RtcEvents, Words } from "../../src/path/rtc.ts";
import type { Clock } from "../../src/session/clock.ts";
import { CLEAR, Line, type LineWeather } from "./virtual_direct.ts";

export class VirtualRtc {
  weather: LineWeather = CLEAR;
  /** Whether any pair of candidates works. */
  reachable = true;
  /** Milliseconds from the moment when both know each other until the channel is open. */
  opens = 20;
  /** Ends that nobody closed. */
  readonly open: Set<VirtualEnd> = new Set();
  readonly lines: Line[] = [];
  readonly clock: Clock;
  readonly random: () => number;
  readonly ends: VirtualEnd[] = [];

  constructor(clock: Clock, random: () => number = Math.random) {
    this.clock = clock;
    this.random = random;
  }

  readonly load: LoadRtc = () =>
    Promise.resolve({ connect: (role, _servers, events) => new VirtualEnd(this, role, events) });
}

/** Its description is its number; it connects once each end has the other's description and a candidate. */
class VirtualEnd implements RtcEnd {
  paired = false;
  private readonly net: VirtualRtc;
  private readonly events: RtcEvents;
  private readonly number: number;
  private other: VirtualEnd | undefined;
  private knows = false;
  private transport: Line["ends"][number] | undefined;

  constructor(net: VirtualRtc, role: Role, events: RtcEvents) {
    this.net = net;
    this.events = events;
    this.number = net.ends.push(this) - 1;
    net.open.add(this);
    if (role === "offerer") net.clock.after(1, () => this.describe("offer"));
  }

  get isOpen(): boolean {
    return this.net.open.has(this);
  }

  get buffered(): number {
    return this.transport?.buffered ?? 0;
  }

  take(words: Words): void {
    if (!this.isOpen) return;
    if (words.type === "candidate") this.knows = this.other !== undefined;
    else {
      this.other = this.net.ends[Number(words.sdp)];
      if (words.type === "offer") this.describe("answer");
    }
    const { other } = this;
    if (this.knows && other?.knows && other.other === this) this.pair(other);
  }

  send(packet: Uint8Array): void {
    this.transport?.send(packet);
  }

  close(): void {
    this.net.open.delete(this);
    this.transport?.close();
  }

  private describe(type: "offer" | "answer"): void {
    if (!this.isOpen) return;
    this.events.words({ type, sdp: `${this.number}` });
    this.events.words({ type: "candidate", candidate: `candidate:${this.number} typ srflx`, mid: "0" });
  }

  private pair(other: VirtualEnd): void {
    const { net } = this;
    if (!net.reachable) return;
    const line = new Line(net.clock, net.weather, net.random);
    net.lines.push(line);
    [this, other].forEach((end, i) => end.attach(line.ends[i]!));
    net.clock.after(net.opens, () => [this, other].forEach((end) => end.isOpen && end.events.opened()));
  }

  private attach(transport: Line["ends"][number]): void {
    const { events } = this;
    this.transport = transport;
    this.paired = true;
    transport.events = {
      packet: (bytes) => this.isOpen && events.message(bytes),
      drained: () => this.isOpen && events.drained(),
      closed: (reason) => {
        if (!this.isOpen) return;
        this.net.open.delete(this);
        events.closed(reason);
      },
    };
  }
}
