/**
 * Three network namespaces: a hub for the relay, and two rooms that reach the hub alone. Whoever would
 * rather go straight from program to program cannot, and all are measured over their relay.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";

export type Room = "hub" | "a" | "b";
/** The hub's address, as both rooms reach it. */
export const HUB = "10.91.0.1";
const NAME = `waymeet-bench-${process.pid}`;

function ip(words: string): void {
  const { status, stderr } = spawnSync("ip", words.split(" "), { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${words}: ${stderr.trim()}`);
}

const place = (room: Room) => `${NAME}-${room}`;

/** Why this machine has no such rooms; `undefined` when it has. */
export function whyNoRooms(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "network namespaces want Linux and root";
  }
  return spawnSync("ip", ["-V"]).error ? "there is no ip: apt-get install iproute2" : undefined;
}

export class Rooms implements Disposable {
  readonly #running = new Set<ChildProcess>();

  constructor() {
    process.once("exit", () => this[Symbol.dispose]());
    for (const room of ["hub", "a", "b"] as const) {
      ip(`netns add ${place(room)}`);
      ip(`-n ${place(room)} link set lo up`);
    }
    ip(`-n ${place("hub")} addr add ${HUB}/32 dev lo`);
    for (const [number, room] of (["a", "b"] as const).entries()) this.#wire(room, number + 1);
  }

  /** Standard error is this program's own. */
  spawn(room: Room, command: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", place(room), ...command], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.#running.add(child);
    child.on("close", () => this.#running.delete(child));
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const room of ["hub", "a", "b"] as const) spawnSync("ip", ["netns", "del", place(room)]);
  }

  #wire(room: Room, number: number): void {
    const [near, far] = [`10.91.${number}.1`, `10.91.${number}.2`];
    ip(`-n ${place("hub")} link add to-${room} type veth peer name wire netns ${place(room)}`);
    ip(`-n ${place("hub")} addr add ${near}/24 dev to-${room}`);
    ip(`-n ${place(room)} addr add ${far}/24 dev wire`);
    ip(`-n ${place("hub")} link set to-${room} up`);
    ip(`-n ${place(room)} link set wire up`);
    ip(`-n ${place(room)} route add ${HUB} via ${near}`);
  }
}
