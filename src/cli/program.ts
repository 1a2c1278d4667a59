/**
 * The command line `waymeet`: commands, options, help. What a command does is loaded
 * when it runs, so that `--help` and `id` start at once.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import { VERSION_TEXT } from "../wire/version.ts";
import { limits } from "./access_options.ts";
import { type ExitCode, verdictOn } from "./failure.ts";
import { jsonOption, keyOption, networkOption, withDoctorOptions, withPeerOptions } from "./peer_options.ts";
import { withServeOptions } from "./serve_options.ts";
import type { Terminal } from "./terminal.ts";
import { count, duration, wait } from "./values.ts";

/** Runs one command line (without the program's own name) and says how it ended. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await buildProgram(terminal).parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said it already. It gives 0 to --help and --version alone.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(terminal, error, words.includes("--json"));
  }
}

function report({ errors }: Terminal, error: unknown, json: boolean): ExitCode {
  const { exitCode, code, message } = verdictOn(error);
  if (message === undefined) return exitCode;
  errors.write(json ? `${JSON.stringify({ event: "error", code, message })}\n` : `waymeet: ${message}\n`);
  return exitCode;
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command("waymeet")
    .description("Programs find each other by key and talk, through a node that cannot read them.")
    .version(VERSION_TEXT)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.output.write(text),
      writeErr: (text) => terminal.errors.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "waymeet: ")),
    })
    .showHelpAfterError("(add --help for options and examples)");
  for (
    const add of [
      addId,
      addAlias,
      addServe,
      addStatus,
      addDoctor,
      addListen,
      addSend,
      addPipe,
      addPing,
      addToken,
      addBan,
    ]
  ) {
    add(program, terminal);
  }
  return examples(program, [
    "waymeet serve",
    "waymeet listen --node ws://127.0.0.1:8787",
    "echo hello | waymeet send PEER --node ws://127.0.0.1:8787",
  ], "Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.");
}

function examples(command: Command, lines: string[], rest?: string): Command {
  const text = lines.map((line) => `  $ ${line}\n`).join("");
  return command.addHelpText("after", `\nExamples:\n${text}${rest === undefined ? "" : `\n${rest}\n`}`);
}

const PEER = "PeerId (52 letters) or alias";

function addId(program: Command, terminal: Terminal): void {
  const command = program.command("id")
    .description("print the PeerId of a key; the key file is made if missing")
    .addOption(keyOption("key file (default: key.pem in ~/.config/waymeet)"))
    .option("--words", "also print eight words, for comparing ids by voice")
    .addOption(jsonOption())
    .action(async (choices) => (await import("./id.ts")).printId(terminal, choices));
  examples(command, ["waymeet id", "waymeet id --key alice.pem --words"]);
}

function addAlias(program: Command, terminal: Terminal): void {
  const command = program.command("alias")
    .description("give a peer a name that works wherever a PEER is asked for; without arguments: list")
    .argument("[name]", "the name; alone: show whose it is")
    .argument("[peer]", PEER)
    .option("--remove <name>", "forget a name")
    .addOption(jsonOption())
    .action(async (name, peer, choices) => (await import("./alias.ts")).alias(terminal, name, peer, choices));
  examples(command, ["waymeet alias bob PEERID", "waymeet alias", "waymeet alias --remove bob"]);
}

function addServe(program: Command, terminal: Terminal): void {
  const command = withServeOptions(program.command("serve"))
    .description("run a node; SIGTERM says goodbye to all peers and ends it within 5 s")
    .action(async (_choices, command) => (await import("./serve.ts")).serve(terminal, command));
  examples(command, [
    "waymeet serve",
    "waymeet serve --port 0 --json",
    "waymeet serve --host 0.0.0.0 --name meet.example.org --access open",
    "waymeet serve --host 0.0.0.0 --name meet.example.org --allow PEER PEER",
    "waymeet serve --join wss://one.example.org --mesh-token SECRET --mesh-url wss://two.example.org",
    "waymeet serve --config node.json",
  ], 'Flags win over the environment, the environment over the file: {"port": 8787, "allow": ["PEER"]}');
}

function addStatus(program: Command, terminal: Terminal): void {
  const command = program.command("status")
    .description("show the nodes that a node knows, its sessions with them, routes and peers")
    .argument("<url>", "the node's URL; its operator must let strangers see it (publicMetrics)")
    .addOption(jsonOption())
    .action(async (url, choices) => (await import("./status.ts")).status(terminal, url, choices));
  examples(command, ["waymeet status ws://127.0.0.1:8787", "waymeet status wss://meet.example.org --json"]);
}

function addDoctor(program: Command, terminal: Terminal): void {
  const command = withDoctorOptions(program.command("doctor"))
    .description("say how nodes and UDP are reached from here, how the NAT behaves, and what to expect of it")
    .argument("[urls...]", "nodes (wss://…) and STUN servers (stun:…)")
    .action(async (urls, choices) => (await import("./doctor.ts")).doctor(terminal, urls, choices));
  examples(command, [
    "waymeet doctor wss://meet.example.org",
    "waymeet doctor wss://meet.example.org stun:stun.example.net --json",
  ], "Two STUN addresses, or two ports of one, tell kinds of NAT apart; see waymeet serve --stun.");
}

function addListen(program: Command, terminal: Terminal): void {
  const command = withPeerOptions(program.command("listen"))
    .description("print received messages, one a line")
    .option("--echo", "answer each message with the same bytes")
    .action(async (choices) => (await import("./listen.ts")).listen(terminal, choices));
  examples(command, [
    "waymeet listen --node wss://meet.example.org",
    "WAYMEET_NODES=ws://127.0.0.1:8787 waymeet listen --key bob.pem --json",
  ]);
}

function addSend(program: Command, terminal: Terminal): void {
  const command = withPeerOptions(program.command("send"))
    .description("send standard input as one message (up to 16 MiB) and end when the other program has it")
    .argument("<peer>", PEER)
    .option("--lines", "send each line as a message, without its newline")
    .option("--processed", "end when the program there says that it is done with each (listen: printed)")
    .addOption(waitOption())
    .action(async (peer, choices) => (await import("./send.ts")).send(terminal, peer, choices));
  examples(command, [
    "echo hello | waymeet send bob --node wss://meet.example.org",
    "seq 1 1000 | waymeet send bob --lines --wait 60s",
  ]);
}

function addPipe(program: Command, terminal: Terminal): void {
  const command = withPeerOptions(program.command("pipe"), "say what happens as JSON lines on standard error")
    .description("join standard input and output with those of another program, as netcat does")
    .argument("[peer]", PEER)
    .option("--listen", "wait for another program's pipe")
    .option("--from <peer>", "with --listen: only from this peer")
    .addOption(waitOption())
    .action(async (peer, choices) => (await import("./pipe.ts")).pipe(terminal, peer, choices));
  examples(command, [
    "waymeet pipe --listen < /dev/null > copy.tar",
    "waymeet pipe PEER < original.tar",
  ], "Each side ends when both inputs have ended.");
}

function addPing(program: Command, terminal: Terminal): void {
  const command = withPeerOptions(program.command("ping"))
    .description("measure the round trip to a peer, and say by which path and why")
    .argument("<peer>", PEER)
    .addOption(new Option("-c, --count <n>", "end after so many (default: on Ctrl-C)").argParser(count))
    .addOption(new Option("--interval <time>", "between two pings").default(1_000, "1s").argParser(wait))
    .addOption(
      new Option("--timeout <time>", "how long to wait for an answer").default(5_000, "5s").argParser(wait),
    )
    .addOption(waitOption())
    .action(async (peer, choices) => (await import("./ping.ts")).ping(terminal, peer, choices));
  examples(command, ["waymeet ping bob --count 3 --node wss://meet.example.org"]);
}

function addToken(program: Command, terminal: Terminal): void {
  const token = program.command("token").description("access tokens for nodes that ask for one");
  const command = token.command("new")
    .description("issue a token: only this peer can use it, in this network, until it expires")
    .addOption(keyOption("key file of the issuer (default: key.pem in ~/.config/waymeet)"))
    .requiredOption("--peer <peer>", `${PEER} that it is for`)
    .addOption(networkOption())
    .addOption(
      new Option("--quotas <name=value...>", "what its peer may send, such as framesPerSecond=100").argParser(
        limits,
      ),
    )
    .addOption(new Option("--ttl <time>", "how long it is good").default(3_600_000, "1h").argParser(duration))
    .addOption(jsonOption())
    .action(async (choices) => (await import("./token.ts")).newToken(terminal, choices));
  examples(command, [
    "waymeet token new --key issuer.pem --peer PEER --ttl 12h",
    "waymeet serve --access token --token-issuer ISSUER",
  ]);
}

function addBan(program: Command, terminal: Terminal): void {
  const command = program.command("ban")
    .description("turn somebody away at all nodes of a mesh that obey this operator's key")
    .argument("<subject>", "a PeerId, 192.0.2.7, 2001:db8::/32, or agent:PART of a user agent")
    .requiredOption("--node <url>", "one node of the mesh")
    .addOption(keyOption("key file of the operator (default: key.pem in ~/.config/waymeet)"))
    .addOption(networkOption())
    .option("--reason <text>", "shown to whom it is about", "banned by the operator")
    .addOption(new Option("--for <time>", "how long (default: until it is lifted)").argParser(duration))
    .option("--lift", "end the ban")
    .action(async (subject, choices) => (await import("./ban.ts")).ban(terminal, subject, choices));
  examples(command, [
    "waymeet serve --operator OPERATOR --join wss://other.example.org",
    "waymeet ban 192.0.2.0/24 --node wss://meet.example.org --key operator.pem --for 1h --reason noise",
    "waymeet ban agent:badbot/ --node wss://meet.example.org --key operator.pem --lift",
  ]);
}

function waitOption(): Option {
  return new Option("--wait <time>", "wait so long for a peer that is away").default(0, "fail at once")
    .argParser(wait);
}
