import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../free_port.ts";
import type { Network, Place } from "./network.ts";

/** One TCP proxy, from one place to one node; while it is cut it forwards nothing and tells nobody. */
class Proxy {
  readonly server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  /** What waits for the cut to heal. */
  #held: (() => void)[] = [];
  #cuts = 0;

  constructor(target: number) {
    this.#target = target;
    this.server = createServer((near) => this.#pass(() => this.#join(near)));
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  cut(): void {
    if (this.#cuts++ === 0) { for (const socket of this.#sockets) socket.pause(); }
  }

  heal(): void {
    if (--this.#cuts > 0) return;
    for (const socket of this.#sockets) socket.resume();
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(act: () => void): void {
    if (this.#cuts > 0) this.#held.push(act);
    else act();
  }

  #join(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => {});
      from.on("data", (bytes) => this.#pass(() => void to.write(bytes)));
      from.on("close", () => {
        this.#sockets.delete(from);
        this.#pass(() => void to.destroy());
      });
    }
  }
}

/** Every way between two places is a TCP proxy in this process: for machines without namespaces. */
export class Proxies implements Network {
  readonly how: string =
    "TCP proxies that stop forwarding: no namespaces here, so packets are not really dropped";
  readonly #ports: number[];
  readonly #proxies = new Map<string, Proxy>();

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

  meshUrl(): undefined {
    return undefined;
  }

  cut(node: number): void {
    for (const proxy of this.#of(node)) proxy.cut();
  }

  heal(node: number): void {
    for (const proxy of this.#of(node)) proxy.heal();
  }

  close(): void {
    for (const proxy of this.#proxies.values()) proxy.close();
  }

  async #add(from: Place, to: number): Promise<void> {
    const proxy = new Proxy(this.#ports[to]!);
    await new Promise<void>((resolve) => void proxy.server.listen(0, "127.0.0.1", resolve));
    this.#proxies.set(`${from} ${to}`, proxy);
  }

  #of(node: number): Proxy[] {
    return [...this.#proxies].filter(([way]) => way.split(" ").includes(String(node))).map(([, proxy]) =>
      proxy
    );
  }
}
