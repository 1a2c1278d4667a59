import { spawnSync } from "node:child_process";
import process from "node:process";
import type { Network, Place } from "./network.ts";

const PORT = 8_787;

/**
 * Each node in a network namespace of its own, the peers in another, all on one bridge in
 * a last one. A cut takes the node's cable out of the bridge: packets vanish, both sides
 * keep their interfaces and hear of nothing.
 *
 * Addresses are of 127.0.0.0/8, so that `ws:` may be dialled; the namespaces' loopback has
 * 127.0.0.1 alone, and `route_localnet` lets the rest be routed.
 */
export class Namespaces implements Network {
  readonly how: string = "network namespaces on a bridge; a cut takes a node's cable out";
  readonly #prefix = `waymeet-${process.pid}`;
  readonly #switch = `${this.#prefix}-switch`;
  readonly #places: Place[];
  readonly #close: () => void = () => this.close();

  constructor(nodes: number) {
    this.#places = [...Array.from({ length: nodes }, (_, i) => i), "peers"];
    process.on("exit", this.#close);
    ip("netns", "add", this.#switch);
    ip("-n", this.#switch, "link", "add", "bridge", "type", "bridge");
    ip("-n", this.#switch, "link", "set", "bridge", "up");
    for (const place of this.#places) this.#plugIn(place);
  }

  inside(place: Place): string[] {
    return ["ip", "netns", "exec", this.#namespace(place)];
  }

  address(node: number): { host: string; port: number } {
    return { host: this.#host(node), port: PORT };
  }

  url(_from: Place, to: number): string {
    return `ws://${this.#host(to)}:${PORT}`;
  }

  meshUrl(node: number): string {
    return this.url("peers", node);
  }

  cut(node: number): void {
    ip("-n", this.#switch, "link", "set", cable(node), "nomaster");
  }

  heal(node: number): void {
    ip("-n", this.#switch, "link", "set", cable(node), "master", "bridge");
  }

  close(): void {
    process.off("exit", this.#close);
    for (const place of this.#places) spawnSync("ip", ["netns", "delete", this.#namespace(place)]);
    spawnSync("ip", ["netns", "delete", this.#switch]);
  }

  #plugIn(place: Place): void {
    const name = this.#namespace(place);
    ip("netns", "add", name);
    ip(
      "-n",
      this.#switch,
      "link",
      "add",
      cable(place),
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      name,
    );
    ip("-n", this.#switch, "link", "set", cable(place), "master", "bridge", "up");
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "address", "add", "127.0.0.1/32", "dev", "lo");
    ip("-n", name, "address", "delete", "127.0.0.1/8", "dev", "lo");
    for (const device of ["all", "eth0"]) {
      const setting = `/proc/sys/net/ipv4/conf/${device}/route_localnet`;
      run(["ip", "netns", "exec", name, "sh", "-c", `echo 1 > ${setting}`]);
    }
    ip("-n", name, "address", "add", `${this.#host(place)}/24`, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
  }

  #namespace(place: Place): string {
    return `${this.#prefix}-${place}`;
  }

  #host(place: Place): string {
    return `127.77.0.${place === "peers" ? 254 : place + 1}`;
  }
}

/** The bridge's end of a place's cable. */
function cable(place: Place): string {
  return `cable-${place}`;
}

function ip(...words: string[]): void {
  run(["ip", ...words]);
}

function run(command: string[]): void {
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
