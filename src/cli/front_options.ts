/**
 * What stands between a node and those who ask it: TLS, proxies, and who may read its numbers.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { CertificateFiles } from "../../edge/certificate_files.ts";
import type { TrustedProxies } from "../rendezvous/proxies.ts";
import type { ServeOptions } from "../rendezvous/serve.ts";
import { Failure, UsageError } from "./failure.ts";
import { count, list } from "./values.ts";

/** What these options come to. */
export interface FrontChoices {
  tlsCert?: string;
  tlsKey?: string;
  trustProxy?: string[];
  proxyHeader?: NonNullable<TrustedProxies["header"]>;
  metrics?: "public" | "private";
  origin?: string[];
  workers?: number;
}

const HEADERS = ["x-forwarded-for", "forwarded"];

/** Adds the options of {@link FrontChoices} to the command. */
export function withFrontOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--tls-cert <file>", "serve wss:// itself: PEM of the chain, read again when it is renewed")
        .env("WAYMEET_TLS_CERT"),
    )
    .addOption(new Option("--tls-key <file>", "PEM of its private key").env("WAYMEET_TLS_KEY"))
    .addOption(
      new Option(
        "--trust-proxy <addresses...>",
        "proxies that say who the client is: addresses, prefixes as 10.0.0.0/8, loopback or private",
      ).env("WAYMEET_TRUST_PROXY").argParser(list),
    )
    .addOption(
      new Option("--proxy-header <name>", "the one header in which they say so (default: x-forwarded-for)")
        .env("WAYMEET_PROXY_HEADER").choices(HEADERS),
    )
    .addOption(
      new Option(
        "--metrics <who>",
        "who may read /metrics and /v1/mesh (default: public on this machine, else private)",
      ).env("WAYMEET_METRICS").choices(["public", "private"]),
    )
    .addOption(
      new Option(
        "--origin <origins...>",
        'web pages whose scripts may have sessions, or "any" (default: any; on this machine alone its own)',
      ).env("WAYMEET_ORIGIN").argParser(list),
    )
    .addOption(
      new Option(
        "--workers <n>",
        "as many nodes behind one port, for all cores of the machine (Linux; on Node any)",
      )
        .env("WAYMEET_WORKERS").argParser(count),
    );
}

/** What the options mean for a node. `tls` has files open: close it when the node has ended. */
export interface Front extends Pick<ServeOptions, "origins" | "proxies" | "publicMetrics"> {
  tls: CertificateFiles | undefined;
}

/** Reads the certificate, if there is one. */
export async function frontOf(choices: FrontChoices): Promise<Front> {
  const { trustProxy: from, proxyHeader: header, metrics, origin } = choices;
  if (header !== undefined && from === undefined) {
    throw new UsageError("--proxy-header goes with --trust-proxy, which names the proxies that set it");
  }
  return {
    tls: await certificateOf(choices),
    proxies: from && { from, header },
    ...(origin === undefined ? {} : { origins: origin.includes("any") ? "any" : origin }),
    ...(metrics === undefined ? {} : { publicMetrics: metrics === "public" }),
  };
}

async function certificateOf({ tlsCert, tlsKey }: FrontChoices): Promise<CertificateFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError("TLS takes both: --tls-cert fullchain.pem --tls-key privkey.pem");
  }
  try {
    return await CertificateFiles.open(tlsCert, tlsKey);
  } catch (error) {
    throw new Failure("bad-certificate", (error as Error).message, { cause: error });
  }
}
