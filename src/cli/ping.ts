import type { Link } from "../link/link.ts";
import { Failure } from "./failure.ts";
import { peerNamed, withPeer } from "./open_peer.ts";
import type { PeerChoices } from "./peer_options.ts";
import type { Terminal } from "./terminal.ts";

export interface PingChoices extends PeerChoices {
  count?: number;
  /** Milliseconds. */
  interval: number;
  timeout: number;
  wait: number;
}

/** `waymeet ping PEER` */
export async function ping(terminal: Terminal, name: string, choices: PingChoices): Promise<void> {
  const to = await peerNamed(terminal, name);
  const { wait, timeout } = choices;
  await withPeer(
    terminal,
    choices,
    { accept: "none", offline: wait > 0 },
    async ({ peer, stopped, interrupt }) => {
      const link = await Promise.race([peer.dial(to, { deadline: wait, signal: interrupt }), stopped]);
      await Promise.race([opened(link, timeout), stopped]);
      const results = await Promise.race([pingAll(terminal, link, choices, interrupt), stopped]);
      await summarize(terminal, choices, results);
    },
  );
}

/** The first exchange agrees on keys, which no round trip is to be measured with. */
async function opened(link: Link, timeout: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Failure("timeout", `${link.peer} did not answer within ${timeout} ms; try a longer --timeout`),
        ),
      timeout,
    );
  });
  await Promise.race([link.opened, late]).finally(() => clearTimeout(timer));
}

/** Milliseconds, or `undefined` for those without an answer. */
type Results = (number | undefined)[];

async function pingAll(
  terminal: Terminal,
  link: Link,
  choices: PingChoices,
  interrupt: AbortSignal,
): Promise<Results> {
  const results: Results = [];
  while (results.length < (choices.count ?? Infinity) && !interrupt.aborted) {
    if (results.length > 0) await pause(choices.interval, interrupt);
    if (interrupt.aborted) break;
    const signal = AbortSignal.any([interrupt, AbortSignal.timeout(choices.timeout)]);
    const rtt = await link.ping({ signal }).catch((error) => unanswered(link, error));
    if (rtt === undefined && interrupt.aborted) break;
    results.push(rtt);
    await print(terminal, choices, link, results.length, rtt);
  }
  return results;
}

/** A ping may stay unanswered and the next one not; a link that has ended answers none. */
function unanswered(link: Link, error: Error): undefined {
  if (link.closed) throw error;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}

async function print(
  { output }: Terminal,
  choices: PingChoices,
  link: Link,
  number: number,
  rtt: number | undefined,
): Promise<void> {
  const { kind, why } = link.path;
  const { peer } = link;
  if (choices.json) {
    const outcome = rtt === undefined ? { event: "unanswered" } : { event: "pong", rtt };
    return await output.json({ ...outcome, peer, number, path: kind, why });
  }
  const outcome = rtt === undefined ? `no answer within ${choices.timeout} ms` : `${rtt.toFixed(2)} ms`;
  await output.write(
    `${number}: ${outcome} from ${peer}, ${kind === why.split(" ")[0] ? why : `${kind}: ${why}`}\n`,
  );
}

async function summarize({ output }: Terminal, choices: PingChoices, results: Results): Promise<void> {
  const rtts = results.filter((rtt) => rtt !== undefined);
  const [sent, answered] = [results.length, rtts.length];
  const min = Math.min(...rtts);
  const max = Math.max(...rtts);
  const avg = rtts.reduce((sum, rtt) => sum + rtt, 0) / answered;
  if (choices.json) {
    await output.json({ event: "summary", sent, answered, ...answered > 0 ? { min, avg, max } : {} });
  } else if (answered > 0) {
    await output.write(
      `${sent} sent, ${answered} answered; min/avg/max ${
        [min, avg, max].map((ms) => ms.toFixed(2)).join("/")
      } ms\n`,
    );
  }
  if (answered === 0) throw new Failure("timeout", `${sent} sent, no answer; is the other program stuck?`);
}
