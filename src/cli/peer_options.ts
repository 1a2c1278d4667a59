/**
 * The options that every command with a peer of its own shares.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { LOG_FORMATS, LOG_LEVELS, type LogChoices } from "./log.ts";
import { network, nodeUrls } from "./values.ts";

/** Where the peer lives and who it is. */
export interface PeerChoices extends LogChoices {
  node?: string[];
  key?: string;
  network: string;
  token?: string;
  insecure?: true;
}

/** `--json`, as every command has it. */
export function jsonOption(text: string = "print one JSON object a line, for programs"): Option {
  return new Option("--json", text);
}

export function keyOption(text: string): Option {
  return new Option("--key <file>", text).env("WAYMEET_KEY");
}

export function networkOption(): Option {
  return new Option("--network <name>", "peers and nodes of different networks never mix")
    .env("WAYMEET_NETWORK").default("default").argParser(network);
}

export function logLevelOption(level: LogChoices["logLevel"]): Option {
  return new Option("--log-level <level>", "least level of the logs on standard error")
    .env("WAYMEET_LOG_LEVEL").choices(LOG_LEVELS).default(level);
}

export function logFormatOption(): Option {
  return new Option("--log-format <format>", "how they are written (default: json with --json, else text)")
    .env("WAYMEET_LOG_FORMAT").choices(LOG_FORMATS);
}

/** Adds the options of {@link PeerChoices} to a command. */
export function withPeerOptions(command: Command, json?: string): Command {
  return command
    .addOption(
      new Option("-n, --node <url>", "node to meet at, wss://… (may repeat: the first that answers)")
        .env("WAYMEET_NODES").argParser(nodeUrls),
    )
    .addOption(keyOption("key file of this peer, made if missing (default: key.pem in ~/.config/waymeet)"))
    .addOption(networkOption())
    .addOption(new Option("--token <jwt>", "access token for the node").env("WAYMEET_TOKEN"))
    .addOption(new Option("--insecure", "allow ws:// to other machines, over a line that is safe by itself"))
    .addOption(jsonOption(json))
    .addOption(logLevelOption("warning"))
    .addOption(logFormatOption());
}

/** As {@link withPeerOptions}, with no key of the user's unless named: it would end the session of a program at work. */
export function withDoctorOptions(command: Command): Command {
  return command
    .addOption(new Option("-n, --node <url>", "as an argument").env("WAYMEET_NODES").argParser(nodeUrls))
    .addOption(
      new Option(
        "--key <file>",
        "key of a peer that the node lets in (default: a fresh one, forgotten at the end)",
      ),
    )
    .addOption(networkOption())
    .addOption(new Option("--token <jwt>", "access token for the node").env("WAYMEET_TOKEN"))
    .addOption(new Option("--insecure", "allow ws:// to other machines, over a line that is safe by itself"))
    .addOption(jsonOption("print one JSON object, for programs"));
}
