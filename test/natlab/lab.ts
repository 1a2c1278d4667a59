/**
 * Namespaces made, run in, and removed. Nothing outside of them is touched, but for
 * `/etc/netns/NAME/hosts`, by which `ip netns exec` gives a namespace names of its own.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { runtimes } from "../runtimes.ts";
import { type Addresses, type Box, NODE, rulesOf, type Topology } from "./topology.ts";

const PREFIX = "natlab";
const NAMES = "/etc/netns";
let count = 0;
const open = new Set<Lab>();

export interface LabOptions {
  /** One-way milliseconds of each wire to the internet: two peers are four of them apart, there and back. */
  delay?: number;
  /**
   * Which of the node's addresses its name stands for: those of the families a host has
   * (`getaddrinfo` with AI_ADDRCONFIG), or all. Default `own`.
   */
  names?: "own" | "all";
}

/** Programs, and the Debian package of each. */
const NEEDS = [["ip", "iproute2"], ["nft", "nftables"], ["conntrack", "conntrack"]] as const;

/** Why this machine cannot hold a lab; `undefined` when it can. */
export function whyNot(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are a thing of Linux";
  if (process.getuid?.() !== 0) return "making network namespaces needs root";
  for (const [program, debian] of NEEDS) {
    if (spawnSync(program, ["-V"]).error) return `there is no ${program}: apt-get install ${debian}`;
  }
  const name = `${PREFIX}-${process.pid}-try`;
  const made = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (made.status !== 0) return `no network namespace can be made here: ${made.stderr.trim()}`;
  const rules = "table inet t { chain c { type nat hook postrouting priority srcnat; masquerade; }; }";
  const nft = spawnSync("ip", ["netns", "exec", name, "nft", rules], { encoding: "utf8" });
  spawnSync("ip", ["netns", "del", name]);
  if (nft.status !== 0) return `nftables does not work in a namespace here: ${nft.stderr.trim()}`;
  return existsSync("/dev/net/tun") ? undefined : "wires with a delay need /dev/net/tun";
}

/** A pair's network, standing. */
export class Lab implements AsyncDisposable {
  readonly #prefix = `${PREFIX}-${process.pid}-${count++}`;
  readonly #topology: Topology;
  readonly #running = new Set<ChildProcess>();
  #wires: ChildProcess | undefined;

  private constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** @throws {Error} with what `ip` or `nft` said. */
  static async build(topology: Topology, { delay = 0, names = "own" }: LabOptions = {}): Promise<Lab> {
    removeStale();
    const lab = new Lab(topology);
    open.add(lab);
    try {
      await lab.#build(delay, names);
      return lab;
    } catch (error) {
      lab.remove();
      throw error;
    }
  }

  /** Starts a program in a box. It is killed with the lab. */
  spawn(box: string, command: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.#name(box), ...command], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    child.stdin!.on("error", () => {}); // it ended: whoever waits for its output hears of it
    this.#running.add(child);
    child.on("close", () => this.#running.delete(child));
    return child;
  }

  /** Runs `nft` in a box with these commands. */
  nft(box: string, commands: string): void {
    this.#run(["netns", "exec", this.#name(box), "nft", "-f", "-"], commands);
  }

  /** Runs `ip` commands in a box, one a line. */
  ip(box: string, commands: string): void {
    this.#run(["-n", this.#name(box), "-batch", "-"], `${commands}\n`);
  }

  /** Forgets what a gateway knows of its clients' UDP flows; their next packets are mapped anew. */
  forgetMappings(box: string): void {
    this.#run(["netns", "exec", this.#name(box), "conntrack", "-D", "-p", "udp"], "");
  }

  /** Changes the delay of all wires that have one. */
  delay(change: { delay?: number; udp?: number }): void {
    if (this.#wires === undefined) throw new TypeError("these wires have no delay: build the lab with one");
    for (const { box } of this.#topology.wires) {
      this.#wires.stdin!.write(`${JSON.stringify({ near: nearEnd(box), ...change })}\n`);
    }
  }

  /** Kills what runs in the namespaces and removes them. */
  remove(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const name of this.#names()) removeNamespace(name);
    open.delete(this);
    dropEmptyFolder();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.remove();
    return Promise.resolve();
  }

  async #build(delay: number, names: "own" | "all"): Promise<void> {
    for (const name of this.#names()) this.#make(name);
    for (const box of this.#topology.boxes) this.#nameNode(box, names);
    if (delay > 0) await this.#startWires(delay);
    for (const { box } of this.#topology.wires) this.#layWire(box, delay > 0);
    for (const { box, core } of this.#topology.wires) this.ip("core", addressed(nearEnd(box), core));
    for (const box of this.#topology.boxes) this.#furnish(box);
    this.ip("core", this.#routesToInside().join("\n"));
    this.nft("core", CORE_RULES);
  }

  #make(name: string): void {
    this.#run(["netns", "add", name]);
    const write = KNOBS.map(([knob, value]) =>
      `[ ! -e /proc/sys/net/${knob} ] || echo ${value} > /proc/sys/net/${knob}`
    );
    this.#run(["netns", "exec", name, "sh", "-c", write.join("; ")]);
    this.#run(["-n", name, "link", "set", "lo", "up"]);
  }

  #nameNode({ name, up }: Box, names: "own" | "all"): void {
    const folder = `${NAMES}/${this.#name(name)}`;
    const four = names === "all" || up.v4.length > 0 ? NODE.v4.slice(0, 1) : [];
    const six = names === "all" || up.v6.length > 0 ? NODE.v6.slice(0, 1) : [];
    const lines = [...four, ...six].map((address) => `${address} ${NODE.host}\n`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/hosts`, `127.0.0.1 localhost\n${lines.join("")}`);
  }

  #startWires(delay: number): Promise<void> {
    const wires = this.#topology.wires.map(({ box }) => ({ near: nearEnd(box), far: `far-${box}`, delay }));
    const bun = runtimes().find(({ name }) => name === "bun")!.command;
    const file = fileURLToPath(new URL("./delay_wire.ts", import.meta.url));
    const child = this.spawn("core", [...bun, file, JSON.stringify(wires)]);
    this.#wires = child;
    return new Promise((resolve, reject) => {
      let errors = "";
      child.stderr!.on("data", (text) => errors += text);
      child.stdout!.once("data", () => resolve());
      child.once("close", () => reject(new Error(`the wires' program ended: ${errors}`)));
    });
  }

  #layWire(box: string, delayed: boolean): void {
    const far = this.#name(box);
    this.ip(
      "core",
      delayed
        ? `link set dev far-${box} netns ${far} name wan`
        : `link add ${nearEnd(box)} type veth peer name wan netns ${far}`,
    );
  }

  #furnish(box: Box): void {
    if (box.inside) {
      this.ip(box.name, `link add lan type bridge mcast_snooping 0\n${addressed("lan", box.inside)}`);
    }
    if (box.above !== "core") {
      const port = box.name;
      this.ip(
        box.above,
        `link add ${port} type veth peer name wan netns ${this.#name(box.name)}
link set dev ${port} master lan up`,
      );
    }
    this.ip(box.name, [addressed("wan", box.up), ...ways(box.up)].join("\n"));
    this.nft(box.name, rulesOf(box));
  }

  /** Clients' IPv6 addresses are public, so the internet knows the way to them. */
  #routesToInside(): string[] {
    return this.#topology.boxes.filter(({ above }) => above === "core").flatMap(({ name, up, inside }) =>
      (inside?.v6 ?? []).map((own) =>
        `route add ${own.replace(/::.*/, "::/64")} via ${up.v6[0]!.split("/")[0]} dev ${nearEnd(name)}`
      )
    );
  }

  #names(): string[] {
    return ["core", ...this.#topology.boxes.map(({ name }) => name)].map((box) => this.#name(box));
  }

  #name(box: string): string {
    return `${this.#prefix}-${box}`;
  }

  #run(words: string[], input: string = ""): void {
    const { status, stderr } = spawnSync("ip", words, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr.trim()}\n${input}`);
  }
}

/** Without duplicate address detection, which leaves a link-local address unusable for its first second or two. */
const KNOBS = [
  ["ipv4/ip_forward", 1],
  // Out where it came in is what a hairpin is; nobody is to be redirected around it.
  ["ipv4/conf/all/send_redirects", 0],
  ["ipv4/conf/default/send_redirects", 0],
  // Else a switch applies the gateway's rules to frames, and drops what is to leave by the port it came in.
  ["bridge/bridge-nf-call-iptables", 0],
  ["bridge/bridge-nf-call-ip6tables", 0],
  ["ipv6/conf/all/forwarding", 1],
  ["ipv6/conf/all/accept_dad", 0],
  ["ipv6/conf/default/accept_dad", 0],
] as const;

/** Where the scenarios put their drops. */
const CORE_RULES = `
table inet core {
  chain between {
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname != "to-node" oifname != "to-node" jump between
  }
}
`;

/** `core`'s end of a box's wire; an interface's name has at most 15 characters. */
function nearEnd(box: string): string {
  return `to-${box}`;
}

function addressed(device: string, { v4, v6 }: Addresses): string {
  const four = v4.map((address) => `addr add ${address} dev ${device}`);
  const six = v6.map((address) => `addr add ${address} dev ${device} nodad`);
  return [...four, ...six, `link set dev ${device} up`].join("\n");
}

function ways({ via4, via6 }: Addresses): string[] {
  return [
    ...via4 === undefined ? [] : [`route add default via ${via4} dev wan`],
    ...via6 === undefined ? [] : [`route add ::/0 via ${via6} dev wan`],
  ];
}

/** Removes namespaces of runs that are no more. */
function removeStale(): void {
  const { stdout } = spawnSync("ip", ["netns", "list"], { encoding: "utf8" });
  const listed = stdout.split("\n").map((line) => line.split(" ")[0]!);
  const named = existsSync(NAMES) ? readdirSync(NAMES) : [];
  for (const name of new Set([...listed, ...named])) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespace(name);
  }
}

function removeNamespace(name: string): void {
  const { stdout } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
  for (const pid of stdout.split("\n").filter(Boolean)) end(Number(pid));
  spawnSync("ip", ["netns", "del", name]);
  rmSync(`${NAMES}/${name}`, { recursive: true, force: true });
}

/** `/etc/netns` goes when the last lab went that needed it. */
function dropEmptyFolder(): void {
  if (existsSync(NAMES) && readdirSync(NAMES).length === 0) rmdirSync(NAMES);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it ended by itself.
  }
}

function removeAll(): void {
  for (const lab of open) lab.remove();
}

process.on("exit", removeAll);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => process.exit(name === "SIGINT" ? 130 : 143));
}
