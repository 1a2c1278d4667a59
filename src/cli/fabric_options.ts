/**
 * What joins a node with the others, where it is not gossip between them.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { connectNats } from "../../edge/nats.ts";
import { natsFabric } from "../rendezvous/nats_fabric.ts";
import type { NatsPort } from "../rendezvous/nats_port.ts";
import type { ServeOptions } from "../rendezvous/serve.ts";
import { WaymeetError } from "../wire/error.ts";
import { Failure, UsageError } from "./failure.ts";
import { list } from "./values.ts";

/** What these options come to. */
export interface FabricChoices {
  fabric?: string[];
  natsCreds?: string;
  natsNkey?: string;
  natsCa?: string;
  natsCert?: string;
  natsKey?: string;
}

/** Adds the options of {@link FabricChoices} to the command. */
export function withFabricOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--fabric <urls...>",
        "join the network by NATS instead: nats://host:4222, nats://user:password@host, tls://host",
      ).env("WAYMEET_FABRIC").argParser(list),
    )
    .addOption(
      new Option("--nats-creds <file>", "creds file of this node, as nsc makes it").env("WAYMEET_NATS_CREDS"),
    )
    .addOption(new Option("--nats-nkey <file>", "file with its nkey seed, SU…").env("WAYMEET_NATS_NKEY"))
    .addOption(new Option("--nats-ca <file>", "PEM of the CA of NATS; makes it TLS").env("WAYMEET_NATS_CA"))
    .addOption(
      new Option("--nats-cert <file>", "PEM of this node's certificate for NATS").env("WAYMEET_NATS_CERT"),
    )
    .addOption(new Option("--nats-key <file>", "PEM of its private key").env("WAYMEET_NATS_KEY"));
}

/** Options of a mesh, which mean nothing to NATS. */
const MESH = [
  "join",
  "meshAllow",
  "meshToken",
  "discover",
  "dnsServer",
  "meshMemory",
  "meshFixed",
  "meshTarget",
] as const;

/** What of the other options has to do with it. */
type JoinChoices =
  & FabricChoices
  & { network: string; meshUrl?: string[] }
  & { [name in (typeof MESH)[number]]?: unknown };

/** @throws {UsageError} when two ways to join are named, or what belongs to NATS without it. */
export function checkFabric(choices: JoinChoices): void {
  const { fabric, natsCreds, natsNkey, natsCa, natsCert, natsKey } = choices;
  if (fabric === undefined) {
    if ((natsCreds ?? natsNkey ?? natsCa ?? natsCert ?? natsKey) === undefined) return;
    throw new UsageError("the options --nats-… go with --fabric nats://host:4222");
  }
  const other = MESH.find((name) => choices[name] !== undefined);
  if (other !== undefined) {
    const flag = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError(`NATS finds the other nodes: leave out ${flag}, or --fabric`);
  }
  if ((natsCert === undefined) !== (natsKey === undefined)) {
    throw new UsageError("a certificate for NATS takes both: --nats-cert cert.pem --nats-key key.pem");
  }
}

/** Connects to NATS, if it was named. Whoever does not start a node with it closes `port`. */
export async function fabricOf(
  choices: JoinChoices,
): Promise<{ fabric: ServeOptions["fabric"]; port: NatsPort } | undefined> {
  const { fabric: servers, network, natsCreds, natsNkey, natsCa, natsCert, natsKey, meshUrl } = choices;
  if (servers === undefined) return undefined;
  const port = await connectNats({
    ...{ servers, network, creds: await contents(natsCreds), nkey: await contents(natsNkey) },
    tls: natsCa ?? natsCert ? { caFile: natsCa, certFile: natsCert, keyFile: natsKey } : undefined,
  }).catch((error) => {
    if (error instanceof WaymeetError) throw new Failure(error.code, error.message, { cause: error });
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  });
  const urls = meshUrl?.join() === "none" ? [] : meshUrl;
  return { fabric: natsFabric(port, { urls }), port };
}

async function contents(path: string | undefined): Promise<string | undefined> {
  return path && await readFile(path, "utf8").catch((error) => {
    throw new UsageError(`${path} cannot be read (${error.message})`);
  });
}
