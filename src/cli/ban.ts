import { parseSubject } from "../rendezvous/ban_subject.ts";
import { noSubject } from "../rendezvous/bans.ts";
import { banSigned, encodeBan } from "../wire/frames.ts";
import { clipText } from "../wire/reason.ts";
import { MAX_TEXT } from "../wire/limits.ts";
import { Failure, UsageError } from "./failure.ts";
import { loadKey } from "./key.ts";
import { defaultKeyFile } from "./places.ts";
import type { Terminal } from "./terminal.ts";
import { nodeUrls } from "./values.ts";

interface BanChoices {
  node: string;
  key?: string;
  network: string;
  reason: string;
  /** Milliseconds. */
  for?: number;
  lift?: true;
}

/** Milliseconds for a node to take an order. */
const PATIENCE = 10_000;

/** `waymeet ban` */
export async function ban(terminal: Terminal, text: string, choices: BanChoices): Promise<void> {
  const subject = parseSubject(text)?.text;
  if (subject === undefined) throw new UsageError(noSubject(text));
  const operator = await loadKey(terminal, choices.key || defaultKeyFile(terminal));
  const issued = Date.now();
  const until = choices.lift ? issued : choices.for === undefined ? 0 : issued + Math.max(1, choices.for);
  const fields = {
    operator: operator.publicKey,
    subject,
    reason: clipText(choices.reason, MAX_TEXT),
    issued,
    until,
  };
  const signature = await operator.sign(banSigned(choices.network, fields));
  await send(choices.node, encodeBan({ ...fields, signature }));
  await terminal.output.write(
    `${subject} is ${choices.lift ? "welcome again" : "banned"}, by ${operator.id}\n`,
  );
}

async function send(node: string, order: Uint8Array): Promise<void> {
  const [url] = nodeUrls(node, undefined);
  const to = `${url!.replace(/^ws/, "http").replace(/\/$/, "")}/v1/orders`;
  const signal = AbortSignal.timeout(PATIENCE);
  const body = order as Uint8Array<ArrayBuffer>;
  const response = await fetch(to, { method: "POST", body, signal }).catch((error) => {
    throw new Failure("node-unreachable", `${to} does not answer (${error.message})`, { cause: error });
  });
  const answer = (await response.text()).trim();
  if (response.status !== 200) throw new Failure("refused", `the node did not take it: ${answer}`);
}
