/**
 * Wires with a delay, for kernels without `netem`: run with Bun inside the namespace
 * that is to hold the near ends. Each wire is two TUN interfaces; the far end is moved
 * into another namespace by whoever started this.
 *
 * Argument: a JSON list of wires. Each JSON line on standard input changes delays.
 * Prints `ready` once the interfaces are there.
 *
 * @module
 */
import { createInterface } from "node:readline";
import process from "node:process";

/** One-way milliseconds; `udp`: added for UDP, so that a direct path can be the slower one. */
export interface Wire {
  near: string;
  far: string;
  delay: number;
  udp?: number;
}

// From linux/fcntl.h, linux/if_tun.h.
const O_RDWR_NONBLOCK = 0o4002;
const TUNSETIFF = 0x4004_54ca;
const IFF_TUN_NO_PI = 0x1001;
const UDP = 17;
/** Longer than any packet: the MTU is 1500. */
const ROOM = 2_048;

type Pointer = number & { pointer: true };

interface Ffi {
  ptr(bytes: Uint8Array): Pointer;
  dlopen(library: string, functions: Record<string, { args: string[]; returns: string }>): { symbols: Libc };
}

interface Libc {
  open(path: Pointer, flags: number): number;
  ioctl(fd: number, request: number, argument: Pointer): number;
  read(fd: number, room: Pointer, size: number): number | bigint;
  write(fd: number, bytes: Pointer, size: number): number | bigint;
}

/** Only Bun has it, so only Bun may see the import. */
const BUN_FFI: string = "bun:ffi";
const { dlopen, ptr } = await import(BUN_FFI) as Ffi;
const libc = dlopen("libc.so.6", {
  open: { args: ["ptr", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i64_fast" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64_fast" },
}).symbols;

function openTun(name: string): number {
  const fd = libc.open(ptr(new TextEncoder().encode("/dev/net/tun\0")), O_RDWR_NONBLOCK);
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name));
  new DataView(request.buffer).setUint16(16, IFF_TUN_NO_PI, true);
  if (fd < 0 || libc.ioctl(fd, TUNSETIFF, ptr(request)) < 0) {
    throw new Error(`no TUN interface ${name}: is /dev/net/tun there, and is this root?`);
  }
  return fd;
}

interface Flying {
  due: number;
  to: number;
  packet: Uint8Array;
}

/** One direction of a wire. A packet never overtakes another of the same delay. */
class Direction {
  readonly #from: number;
  readonly #to: number;
  readonly #wire: Wire;
  readonly #plain: Flying[] = [];
  readonly #udp: Flying[] = [];
  readonly #room = new Uint8Array(ROOM);

  constructor(from: number, to: number, wire: Wire) {
    this.#from = from;
    this.#to = to;
    this.#wire = wire;
  }

  turn(now: number): void {
    for (;;) {
      const length = Number(libc.read(this.#from, ptr(this.#room), ROOM));
      if (length <= 0) break;
      this.#take(this.#room.slice(0, length), now);
    }
    land(this.#plain, now);
    land(this.#udp, now);
  }

  #take(packet: Uint8Array, now: number): void {
    const protocol = packet[0]! >> 4 === 4 ? packet[9] : packet[6];
    const { delay, udp = 0 } = this.#wire;
    const queue = protocol === UDP ? this.#udp : this.#plain;
    queue.push({ due: now + delay - TICK + (protocol === UDP ? udp : 0), to: this.#to, packet });
  }
}

function land(queue: Flying[], now: number): void {
  let count = 0;
  while (count < queue.length && queue[count]!.due <= now) {
    const { to, packet } = queue[count++]!;
    libc.write(to, ptr(packet), packet.length);
  }
  if (count > 0) queue.splice(0, count);
}

/** Milliseconds between looks: a packet waits half of that for being read, and for being delivered. */
const TICK = 1;

const wires = JSON.parse(process.argv[2]!) as Wire[];
const directions = wires.flatMap((wire) => {
  const [near, far] = [openTun(wire.near), openTun(wire.far)];
  return [new Direction(near, far, wire), new Direction(far, near, wire)];
});
setInterval(() => {
  const now = performance.now();
  for (const direction of directions) direction.turn(now);
}, TICK);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const change = JSON.parse(line) as Wire;
  const wire = wires.find(({ near }) => near === change.near);
  if (wire) Object.assign(wire, change);
}
process.exit(0);
