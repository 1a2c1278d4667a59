/** Real servers of NATS as one cluster, each of which can be killed, frozen and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { freePort } from "./free_port.ts";

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export interface NatsPlace {
  host: string;
  port: number;
  /** Words before the command, so that it runs elsewhere. */
  before?: string[];
}

export class NatsServers {
  readonly places: readonly NatsPlace[];
  /** Of the cluster. */
  readonly #ports: readonly number[];
  readonly #words: readonly string[];
  readonly #children: (ChildProcess | undefined)[] = [];

  private constructor(places: readonly NatsPlace[], ports: readonly number[], words: readonly string[]) {
    this.places = places;
    this.#ports = ports;
    this.#words = words;
  }

  /** So many on loopback, or at these places; `words`: more options for each. */
  static async start(
    where: number | readonly NatsPlace[],
    words: readonly string[] = [],
  ): Promise<NatsServers> {
    const places = typeof where === "number" ? await onLoopback(where) : where;
    const ports: number[] = [];
    for (const _ of places) ports.push(await freePort());
    const servers = new NatsServers(places, ports, words);
    await Promise.all(places.map((_, i) => servers.start(i)));
    return servers;
  }

  get urls(): string[] {
    return this.places.map(({ host, port }) => `nats://${host}:${port}`);
  }

  get children(): ChildProcess[] {
    return this.#children.filter((child) => child !== undefined);
  }

  /** Starts one again; resolves when it accepts clients. */
  async start(server: number): Promise<void> {
    const { host, port, before = [] } = this.places[server]!;
    const [program, ...rest] = [
      ...before,
      "nats-server",
      "-a",
      host,
      "-p",
      String(port),
      ...this.#clustered(server),
    ];
    const child = spawn(program!, [...rest, ...this.#words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: environment(),
    });
    this.#children[server] = child;
    running.add(child);
    child.once("close", () => running.delete(child));
    let said = "";
    await new Promise<void>((ready, failed) => {
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`nats-server ended with ${code}: ${said}`)));
      child.stderr!.on("data", (text) => {
        said = `${said}${text}`.slice(-4_000);
        if (said.includes("Server is ready")) ready();
      });
    });
  }

  /** As with `kill -9`. */
  async kill(server: number): Promise<void> {
    const child = this.#children[server]!;
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await closed;
  }

  freeze(server: number): void {
    this.#children[server]!.kill("SIGSTOP");
  }

  thaw(server: number): void {
    this.#children[server]!.kill("SIGCONT");
  }

  close(): void {
    for (const child of this.#children) child?.kill("SIGKILL");
  }

  #clustered(server: number): string[] {
    if (this.places.length === 1) return [];
    const route = (i: number) => `nats://${this.places[i]!.host}:${this.#ports[i]}`;
    const others = this.places.flatMap((_, i) => i === server ? [] : [route(i)]);
    return [
      "--cluster_name",
      "test",
      "--cluster",
      route(server),
      "--routes",
      others.join(),
      "--no_advertise",
    ];
  }
}

async function onLoopback(count: number): Promise<NatsPlace[]> {
  const places: NatsPlace[] = [];
  for (let i = 0; i < count; i++) places.push({ host: "127.0.0.1", port: await freePort() });
  return places;
}

/** Debian puts servers where not every user looks. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
}
