/** A TCP proxy that can do to its connections what networks, routers and middle boxes do. */
import { connect, createServer, type Server, type Socket } from "node:net";

export type Flow =
  | { kind: "open" }
  /** Nothing flows, connections stay open, newcomers are accepted: a cable that is out, and comes back. */
  | { kind: "held" }
  /** Connections end, newcomers too: a router that says so (RST), or a middle box that hangs up (FIN). */
  | { kind: "reset" }
  | { kind: "finished" }
  /** What goes one way vanishes, the other way all is well: half-open. */
  | { kind: "swallowing"; way: "to" | "from" }
  /** A bad line; `stall`: now and then nothing for a while. */
  | { kind: "slow"; bytesPerSecond: number; latency: number; stall: { every: number; lasts: number } };

/** Bytes that wait in one direction before its source is read no further: what a kernel buffers. */
const BUFFER = 65_536;

/** One proxy, from one place to one node. */
export class WireProxy {
  readonly server: Server;
  readonly #target: number;
  readonly #wires = new Set<Wire>();
  #flow: Flow = { kind: "open" };

  constructor(target: number) {
    this.#target = target;
    this.server = createServer((near) => this.#accept(near));
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** From now on, and for those that are open. */
  turn(flow: Flow): void {
    this.#flow = flow;
    for (const wire of this.#wires) wire.turn(flow);
  }

  close(): void {
    this.server.close();
    for (const wire of this.#wires) wire.end("reset");
  }

  #accept(near: Socket): void {
    near.on("error", () => {});
    if (this.#flow.kind === "reset") return void near.resetAndDestroy();
    if (this.#flow.kind === "finished") return void near.end();
    const wire = new Wire(near, connect(this.#target, "127.0.0.1"), () => this.#wires.delete(wire));
    this.#wires.add(wire);
    wire.turn(this.#flow);
  }
}

/** One connection and its other half. */
class Wire {
  readonly #sockets: [Socket, Socket];
  readonly #lanes: { to: Lane; from: Lane };
  /** Something was swallowed: what would follow is no stream any more. */
  #torn = false;

  constructor(near: Socket, far: Socket, ended: () => void) {
    this.#sockets = [near, far];
    this.#lanes = { to: new Lane(near, far), from: new Lane(far, near) };
    for (const socket of this.#sockets) socket.on("close", ended);
  }

  turn(flow: Flow): void {
    if (flow.kind === "reset" || flow.kind === "finished" || this.#torn) return this.end(flow.kind);
    this.#torn = flow.kind === "swallowing";
    for (const way of ["to", "from"] as const) this.#lanes[way].turn(flow, way);
  }

  end(how: Flow["kind"]): void {
    for (const socket of this.#sockets) {
      if (how === "finished") socket.end();
      else socket.resetAndDestroy();
    }
  }
}

/** One direction of a connection. */
class Lane {
  readonly #source: Socket;
  readonly #sink: Socket;
  /** `undefined`: the source's end. */
  readonly #queue: { bytes: Uint8Array | undefined; due: number }[] = [];
  #flow: Flow = { kind: "open" };
  #swallows = false;
  #free = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.setNoDelay(true);
    source.on("error", () => {});
    source.on("data", (bytes) => this.#take(bytes));
    source.on("close", () => this.#take(undefined));
  }

  turn(flow: Flow, way: "to" | "from"): void {
    this.#flow = flow;
    this.#swallows = flow.kind === "swallowing" && flow.way === way;
    this.#free = 0;
    this.#pump();
  }

  #take(bytes: Uint8Array | undefined): void {
    if (this.#swallows) return;
    this.#queue.push({ bytes, due: this.#due(bytes?.length ?? 0) });
    this.#pump();
    if (this.#waiting > BUFFER) this.#source.pause();
  }

  get #waiting(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  #due(size: number): number {
    const flow = this.#flow;
    const now = performance.now();
    if (flow.kind !== "slow") return now;
    const { every, lasts } = flow.stall;
    this.#free = Math.max(this.#free, now) + size / flow.bytesPerSecond * 1_000;
    const phase = this.#free % (every + lasts);
    if (phase > every) this.#free += every + lasts - phase;
    return this.#free + flow.latency;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#flow.kind !== "held" && this.#queue.length > 0) {
      const wait = this.#flow.kind === "slow" ? this.#queue[0]!.due - performance.now() : 0;
      if (wait > 0) return void (this.#timer = setTimeout(() => this.#pump(), wait));
      const { bytes } = this.#queue.shift()!;
      if (bytes === undefined) this.#sink.destroy();
      else if (!this.#sink.destroyed) this.#sink.write(bytes);
      if (this.#source.isPaused() && this.#waiting < BUFFER) this.#source.resume();
    }
  }
}
