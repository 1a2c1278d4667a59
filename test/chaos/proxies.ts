import { freePort } from "../free_port.ts";
import type { Network, Place } from "./network.ts";
import { type Flow, WireProxy } from "./wire_proxy.ts";

/** Every way between two places is a TCP proxy in this process: for faults of connections, and machines without namespaces. */
export class Proxies implements Network {
  readonly how: string = "TCP proxies: what vanishes in a cut arrives when it has healed";
  readonly #ports: number[];
  readonly #proxies = new Map<string, WireProxy>();

  private constructor(ports: number[]) {
    this.#ports = ports;
  }

  static async open(nodes: number): Promise<Proxies> {
    const ports: number[] = [];
    for (let i = 0; i < nodes; i++) ports.push(await freePort());
    const network = new Proxies(ports);
    for (const from of [...ports.keys(), "peers"] as const) {
      for (const to of ports.keys()) await network.#add(from, to);
    }
    return network;
  }

  inside(): string[] {
    return [];
  }

  address(node: number): { host: string; port: number } {
    return { host: "127.0.0.1", port: this.#ports[node]! };
  }

  url(from: Place, to: number): string {
    return `ws://127.0.0.1:${this.#proxies.get(`${from} ${to}`)!.port}`;
  }

  /** Nobody is told an address that leads past the proxies. */
  meshUrl(): string {
    return "none";
  }

  cut(node: number): void {
    this.turn(node, { kind: "held" });
  }

  heal(node: number): void {
    this.turn(node, { kind: "open" });
  }

  turn(node: number, flow: Flow): void {
    for (const [way, proxy] of this.#proxies) {
      if (way.split(" ").includes(String(node))) proxy.turn(flow);
    }
  }

  close(): void {
    for (const proxy of this.#proxies.values()) proxy.close();
  }

  async #add(from: Place, to: number): Promise<void> {
    const proxy = new WireProxy(this.#ports[to]!);
    await new Promise<void>((resolve) => void proxy.server.listen(0, "127.0.0.1", resolve));
    this.#proxies.set(`${from} ${to}`, proxy);
  }
}
