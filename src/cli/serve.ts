import type { Command } from "commander";
import { meshMemoryFile } from "../../edge/mesh_memory_file.ts";
import { exportTelemetry, type Telemetry } from "../../edge/telemetry.ts";
import type { RunningNode, ServeOptions } from "../rendezvous/serve.ts";
import { readAliases, resolvePeer } from "./aliases.ts";
import { checkFabric, fabricOf } from "./fabric_options.ts";
import { Failure } from "./failure.ts";
import { frontOf } from "./front_options.ts";
import { loadKey } from "./key.ts";
import { configureLog } from "./log.ts";
import { interruption } from "./open_peer.ts";
import { aliasFile, nodeKeyFile } from "./places.ts";
import { accessOf, checkExposure } from "./access_options.ts";
import { Reload, type ReloadOptions } from "./reload.ts";
import { applyConfigFile, meshOf, type ServeChoices, turnOf } from "./serve_options.ts";
import type { Terminal } from "./terminal.ts";
import { assignment, orphaned, workerChoices, workerKey, workerOptions } from "./worker.ts";
import { isSupervisor, supervise } from "./workers.ts";

/** Milliseconds for saying goodbye to all peers: SIGTERM ends within 5 s, the process' own end included. */
const GRACE = 4_500;

/** `waymeet serve` */
export async function serve(terminal: Terminal, command: Command): Promise<void> {
  const { config } = command.opts<ServeChoices>();
  if (config) await applyConfigFile(command, config);
  const worker = assignment();
  const said = command.opts<ServeChoices>();
  checkFabric(said);
  if (isSupervisor(said)) return await supervise(terminal, said);
  const choices = worker ? workerChoices(said, worker) : said;
  const aliases = await readAliases(aliasFile(terminal));
  const peer = (text: string) => resolvePeer(text, aliases);
  const access = accessOf(choices, peer);
  checkExposure(choices, access);
  const mesh = choices.fabric ? undefined : meshOf(choices, peer, meshMemoryFile);
  const turn = await turnOf(choices);
  await configureLog(terminal, choices);
  const interrupt = terminal.interrupt();
  const front = await frontOf(choices);
  try {
    const nats = await fabricOf(choices);
    const node = await start(terminal, choices, {
      access,
      operators: choices.operator?.map(peer),
      mesh,
      fabric: nats?.fabric,
      turn,
      ...front,
    }).catch(async (error) => {
      await nats?.port.close();
      throw error;
    });
    const ends: (() => unknown)[] = [() => node.stop({ graceMs: GRACE })];
    try {
      const telemetry = await report(choices, node);
      if (telemetry) ends.push(() => telemetry[Symbol.asyncDispose]());
      const { controls } = node.node;
      if (config) ends.push(await follow(terminal, { command, path: config, controls, peer }));
      await announce(terminal, choices, node);
      await Promise.race([interruption(interrupt), ...worker ? [orphaned()] : []]);
    } finally {
      await Promise.all(ends.map((end) => end()));
    }
  } finally {
    front.tls?.close();
  }
}

async function report({ otlp }: ServeChoices, { node }: RunningNode): Promise<Telemetry | undefined> {
  if (!otlp) return undefined;
  return await exportTelemetry(node, { url: otlp }).catch((cause) => {
    throw new Failure("bad-options", (cause as Error).message, { cause });
  });
}

/** Takes over changes of the configuration file, and reads it again at SIGHUP. Returns what ends that. */
async function follow(terminal: Terminal, options: ReloadOptions): Promise<() => void> {
  const reload = new Reload(options);
  await reload.watch();
  const deaf = terminal.hangups(() => void reload.now());
  return () => {
    deaf();
    reload.stop();
  };
}

async function start(
  terminal: Terminal,
  choices: ServeChoices,
  rest: Omit<ServeOptions, "host" | "port" | "key" | "network" | "names">,
): Promise<RunningNode> {
  const { host, port, network, name, chat, dashboardToken: dashboard, stun: stunPorts, iceServer: stun } =
    choices;
  const path = choices.key || (port === 0 ? undefined : nodeKeyFile(terminal, port));
  const worker = assignment();
  const file = path && worker ? workerKey(path, worker) : path;
  const key = file === undefined ? undefined : await loadKey(terminal, file);
  const names = name?.includes("any") ? "any" : name;
  const { limits, bans: bansFile } = choices;
  const bans = bansFile === undefined ? undefined : meshMemoryFile(bansFile);
  const edge = await edgeOf(terminal.runtime);
  try {
    return await edge.serve({
      host,
      port,
      key,
      network,
      names,
      chat: chat === "on",
      dashboard,
      stunPorts,
      stun,
      limits,
      bans,
      ...rest,
      ...worker && workerOptions(worker),
    });
  } catch (error) {
    throw translated(error, choices);
  }
}

function edgeOf(
  runtime: Terminal["runtime"],
): Promise<{ serve(options: ServeOptions): Promise<RunningNode> }> {
  switch (runtime) {
    case "bun":
      return import("../../edge/bun.ts");
    case "deno":
      return import("../../edge/deno.ts");
    case "node":
      return import("../../edge/node.ts");
  }
}

/** What systems say of addresses that cannot be listened at; Deno tells by name. */
function translated(error: unknown, { host = [], port }: ServeChoices): unknown {
  const { code, name, message } = error as { code?: string; name?: string; message: string };
  const cause = { cause: error };
  if (code === "EACCES" || name === "PermissionDenied") {
    return new Failure(
      "port-forbidden",
      `port ${port} needs privileges that this program lacks; take one from 1024, such as --port 8787`,
      cause,
    );
  }
  if (code === "EADDRNOTAVAIL" || name === "AddrNotAvailable" || code === "ENOTFOUND") {
    return new Failure(
      "no-such-address",
      `this machine has no address ${
        host.join(" or ")
      }; --host 127.0.0.1 serves this machine, --host 0.0.0.0 all others, too`,
      cause,
    );
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return new Failure("bad-options", message, cause);
  }
  return error;
}

async function announce(
  terminal: Terminal,
  { json, network, chat }: ServeChoices,
  { url, id, dashboard, stunPorts }: RunningNode,
): Promise<void> {
  if (json) return await terminal.output.json({ event: "ready", url, id, network, dashboard, stunPorts });
  await terminal.output.write(`node ${id}\naccepts peers at ${url}, try: waymeet listen --node ${url}\n`);
  const page = url.replace(/^ws/, "http");
  if (chat === "on") await terminal.output.write(`chat for browsers: ${page}/chat\n`);
  if (dashboard) await terminal.output.write(`dashboard, for you alone: ${dashboard}\n`);
}
