import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type RuntimeName, runtimes } from "../runtimes.ts";
import { Lab, type LabOptions } from "./lab.ts";
import type { Report } from "./peer.ts";
import { Program, type Told } from "./program.ts";
import type { Pair } from "./site.ts";
import { NODE, topology } from "./topology.ts";

/** One-way milliseconds of a wire: a packet from peer to peer crosses two, so 40 ms there and back. */
export const WIRE = 10;
const PORT = 8787;
/** The command line as it is installed. */
export const MAIN: string = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
export const NODE_URL: string = `ws://${NODE.host}:${PORT}`;
const PEER = fileURLToPath(new URL("./peer.ts", import.meta.url));

/** What both sides together sent and saw. */
export type Sums = Omit<Report, "silence">;

/** A pair's lab with a node and both peers running in it. */
export class Stage implements AsyncDisposable {
  readonly lab: Lab;
  readonly a: Program;
  readonly b: Program;
  readonly node: Program;
  readonly #home: string;

  private constructor(lab: Lab, home: string, node: Program, [a, b]: [Program, Program]) {
    this.lab = lab;
    this.#home = home;
    this.node = node;
    this.a = a;
    this.b = b;
  }

  static async set(pair: Pair, { delay = WIRE, names }: LabOptions = {}): Promise<Stage> {
    const lab = await Lab.build(topology(pair), { delay, ...names ? { names } : {} });
    const home = mkdtempSync(join(tmpdir(), "waymeet-natlab-"));
    const { runtimes: on = ["node", "node"] } = pair;
    try {
      const node = await startNode(lab, home);
      const peers: [Program, Program] = [startPeer(lab, "a", on[0], home), startPeer(lab, "b", on[1], home)];
      await Promise.all(peers.map((peer) => peer.event("ready")));
      return new Stage(lab, home, node, peers);
    } catch (error) {
      clear(lab, home);
      throw error;
    }
  }

  /** `a` dials `b`, and both begin to talk. Resolves with a's and b's first acknowledged message. */
  async meet(): Promise<[Told, Told]> {
    const { id } = await this.b.event("ready");
    this.a.order({ order: "dial", id });
    return await Promise.all([this.a.event("first"), this.b.event("first")]);
  }

  /** Both stop talking; what they sent and saw, once everything has been acknowledged. */
  async conclude(): Promise<Sums> {
    await Promise.all([this.a, this.b].map((peer) => peer.ask({ order: "stop" }, "settled")));
    const [a, b] = await Promise.all([report(this.a), report(this.b)]);
    return {
      sent: a.sent + b.sent,
      received: a.received + b.received,
      // What never came at all is lost, too, though no later number shows the gap.
      lost: missing(a, b) + missing(b, a),
      duplicated: a.duplicated + b.duplicated,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    clear(this.lab, this.#home);
    return Promise.resolve();
  }
}

async function report(peer: Program): Promise<Report> {
  return await peer.ask({ order: "report" }, "report") as Told & Report;
}

function missing(sender: Report, receiver: Report): number {
  return Math.max(receiver.lost, sender.sent - (receiver.received - receiver.duplicated));
}

function clear(lab: Lab, home: string): void {
  lab.remove();
  rmSync(home, { recursive: true, force: true });
}

/** A whole server of RFC 5780: two addresses of each family, two ports. */
export async function startNode(lab: Lab, home: string): Promise<Program> {
  const words = ["--port", String(PORT), "--name", NODE.host, "--access", "open", "--stun", ...NODE.stun];
  const key = ["--key", join(home, "node.pem")];
  const hosts = ["--host", ...NODE.v4, ...NODE.v6];
  const command = [process.execPath, MAIN, "serve", ...words, ...hosts, ...key, "--json"];
  const child = lab.spawn("node", command, { HOME: home });
  const node = new Program("node", child);
  await node.event("ready");
  return node;
}

function startPeer(lab: Lab, side: "a" | "b", runtime: RuntimeName, home: string): Program {
  const { command } = runtimes().find(({ name }) => name === runtime)!;
  return new Program(side, lab.spawn(`host-${side}`, [...command, PEER, NODE_URL], { HOME: home }));
}
