/**
 * Pipes between processes on Bun: two rings in memory that both map, and a Unix socket by which they wake each other.
 * What crosses is written once and read where it lies, where a socket copies it four times.
 *
 * @module
 */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Pipe, PipeOwner } from "../src/session/lane_socket.ts";
import { RingReader, ringSize, RingWriter } from "../src/session/ring.ts";
import type { UnixSockets } from "./unix_sockets.ts";

const BELL = new Uint8Array(1);
const NOTHING = new Uint8Array(0);
/** Characters of a path. */
const MAX_PATH = 4_096;

/** Bun's sockets as far as this file needs them. */
interface BunSocket {
  data: RingPipe;
  write(bytes: Uint8Array | string): number;
  end(): void;
  terminate(): void;
}
interface Options {
  unix: string;
  socket: Record<string, unknown>;
}
declare const Bun: {
  listen(options: Options): { stop(closeConnections: boolean): void };
  connect(options: Options): Promise<unknown>;
  mmap(path: string, options: { shared: true }): Uint8Array;
};

const HANDLERS = {
  binaryType: "uint8array",
  data: ({ data: pipe }: BunSocket, bytes: Uint8Array): void => pipe.heard(bytes),
  close: ({ data: pipe }: BunSocket, error?: Error): void => pipe.closed(error?.message),
  error(): void {}, // `close` follows
};

export const bunSockets: UnixSockets = {
  // deno-lint-ignore require-await -- a path that cannot be had has to reject, not throw
  async listen(path, accept) {
    const open = (socket: BunSocket): void => void (socket.data = new RingPipe(socket, accept()));
    const server = Bun.listen({ unix: path, socket: { ...HANDLERS, open } });
    return {
      // deno-lint-ignore require-await -- as on other runtimes
      async close() {
        server.stop(true);
      },
    };
  },
  connect(path, owner, room) {
    const open = (socket: BunSocket): void => {
      socket.data = new RingPipe(socket, owner);
      socket.data.begin(`${path}-${crypto.randomUUID()}`, room);
    };
    const failed = (error: Error): void => owner.ended(error.message);
    Bun.connect({ unix: path, socket: { ...HANDLERS, open } }).catch(failed);
  },
};

/** Makes the memory, all of it: that the disk is full is told now, and not by a signal that ends the process. */
function createMemory(path: string, room: number): string {
  const bytes = new Uint8Array(2 * ringSize(room));
  const elsewhere = join(tmpdir(), basename(path)); // what the lane is in may be small
  for (const place of [path, elsewhere]) {
    try {
      writeFileSync(place, bytes, { mode: 0o600, flag: "wx" });
      return place;
    } catch (error) {
      rmSync(place, { force: true });
      if (place === elsewhere) throw error;
    }
  }
  return elsewhere;
}

/** Who dialled makes the memory, and says where it is; from then on both say nothing but that there is something to do. */
class RingPipe implements Pipe {
  readonly #socket: BunSocket;
  readonly #owner: PipeOwner;
  #rings: { out: RingWriter; in: RingReader } | undefined;
  /** Of the memory, as far as it was heard. */
  #path = "";
  /** What was read in this turn is still in use. */
  #reads = false;
  #trouble: string | undefined;
  readonly #turnOver = (): void => this.#release();

  constructor(socket: BunSocket, owner: PipeOwner) {
    this.#socket = socket;
    this.#owner = owner;
  }

  begin(path: string, room: number): void {
    this.#try(() => {
      const place = createMemory(path, room);
      this.#socket.write(`${place}\n`);
      this.#map(place, "dialer");
    });
  }

  heard(bytes: Uint8Array): void {
    if (this.#rings === undefined) return this.#hearPath(bytes);
    if (!this.#reads) this.#read();
    this.#owner.writable();
  }

  closed(trouble?: string): void {
    this.#read(); // its last words
    this.#rings = undefined;
    this.#owner.ended(this.#trouble ?? trouble);
  }

  write(head: Uint8Array, body: Uint8Array): number {
    const out = this.#rings?.out;
    if (out === undefined) return 0;
    let taken = out.put(head);
    if (taken === head.length) taken += out.put(body);
    out.commit();
    if (out.wakes()) this.#socket.write(BELL);
    if (taken === head.length + body.length || out.sleeps()) return taken;
    return taken + this.#writeRest(head, body, taken); // there is room again
  }

  end(): void {
    this.#socket.end();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #writeRest(head: Uint8Array, body: Uint8Array, taken: number): number {
    return taken < head.length
      ? this.write(head.subarray(taken), body)
      : this.write(body.subarray(taken - head.length), NOTHING);
  }

  #hearPath(bytes: Uint8Array): void {
    this.#path += new TextDecoder().decode(bytes);
    if (this.#path.length > MAX_PATH) return this.#fail("no path of memory to share");
    if (this.#path.endsWith("\n")) this.#try(() => this.#map(this.#path.slice(0, -1), "acceptor"));
  }

  #map(path: string, side: "dialer" | "acceptor"): void {
    const memory = Bun.mmap(path, { shared: true });
    const [there, back] = [memory.subarray(0, memory.length / 2), memory.subarray(memory.length / 2)];
    if (side === "acceptor") rmSync(path); // both have it
    const [output, input] = side === "dialer" ? [there, back] : [back, there];
    this.#rings = { out: new RingWriter(output), in: new RingReader(input) };
    this.#owner.opened(this);
    this.#read();
  }

  /** All that is there; what comes meanwhile is for the next turn of the event loop, so that others have theirs. */
  #read(): void {
    const ring = this.#rings?.in;
    if (ring === undefined) return;
    this.#reads = true;
    for (let part = 0; part < 2; part++) { // to the end of the ring, and from its beginning
      const bytes = ring.read();
      if (bytes === undefined) return this.#fail("the memory that is shared is not as it was left");
      if (bytes.length === 0) break;
      this.#owner.received(bytes);
    }
    setImmediate(this.#turnOver);
  }

  /** What was read has left. */
  #release(): void {
    this.#reads = false;
    const ring = this.#rings?.in;
    if (ring === undefined) return;
    ring.release();
    if (ring.wakes()) this.#socket.write(BELL);
    if (!ring.sleeps()) this.#read();
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  #fail(trouble: string): void {
    this.#trouble ??= trouble;
    this.#socket.terminate();
  }
}
