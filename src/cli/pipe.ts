import type { Link } from "../link/link.ts";
import type { LinkStream } from "../link/stream.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { Failure, UsageError } from "./failure.ts";
import { interrupted, peerNamed, type Presence, withPeer } from "./open_peer.ts";
import type { PeerChoices } from "./peer_options.ts";
import { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

export interface PipeChoices extends PeerChoices {
  listen?: true;
  from?: string;
  /** Milliseconds to wait for a peer that is away. */
  wait: number;
}

const LABEL = "waymeet pipe";
/** Why the link is closed after both directions ended: who hears it knows that nothing is missing. */
const DONE = "pipe done";

/** `waymeet pipe PEER` and `waymeet pipe --listen` */
export async function pipe(
  terminal: Terminal,
  name: string | undefined,
  choices: PipeChoices,
): Promise<void> {
  if ((name === undefined) !== (choices.listen === true)) {
    throw new UsageError("say where to: waymeet pipe PEER, or waymeet pipe --listen");
  }
  if (choices.from !== undefined && !choices.listen) throw new UsageError("--from goes with --listen");
  if (choices.listen) return await answer(terminal, choices);
  const to = await peerNamed(terminal, name!);
  const { wait } = choices;
  await withPeer(
    terminal,
    choices,
    { accept: "none", offline: wait > 0 },
    async ({ peer, stopped, interrupt }) => {
      const link = await Promise.race([peer.dial(to, { deadline: wait, signal: interrupt }), stopped]);
      await carry(terminal, choices, link, link.openStream({ label: LABEL }), { stopped, interrupt });
    },
  );
}

/** Takes the first pipe that somebody opens. */
async function answer(terminal: Terminal, choices: PipeChoices): Promise<void> {
  const from = choices.from === undefined ? undefined : await peerNamed(terminal, choices.from);
  let taken = false;
  const accept = ({ peer }: { peer: PeerId }) => !taken && (from ?? peer) === peer;
  await withPeer(terminal, choices, { accept }, async (presence) => {
    const { peer, stopped, interrupt } = presence;
    announce(terminal, choices, { event: "ready", id: peer.id }, `waiting for: waymeet pipe ${peer.id}`);
    const { link, stream } = await Promise.race([firstPipe(presence), stopped, interrupted(interrupt)]);
    taken = true;
    await carry(terminal, choices, link, stream, presence);
  });
}

function firstPipe({ peer }: Presence): Promise<{ link: Link; stream: LinkStream }> {
  return new Promise((resolve) => {
    peer.addEventListener("link", async ({ link }) => {
      for await (const stream of link.streams) {
        if (stream.label === LABEL) return resolve({ link, stream });
      }
    });
  });
}

/** Copies both ways until both have ended. */
async function carry(
  terminal: Terminal,
  choices: PipeChoices,
  link: Link,
  stream: LinkStream,
  { stopped, interrupt }: Pick<Presence, "stopped" | "interrupt">,
): Promise<void> {
  announce(terminal, choices, { event: "link", peer: link.peer }, `connected with ${link.peer}`);
  const progress = new Progress(terminal.errors);
  const ends = { read: false };
  const goodbye = politeEnd(link, ends);
  const upwards = Promise.race([copyUp(terminal, stream, progress), goodbye]);
  const copies = Promise.all([upwards, copyDown(terminal, stream, progress, ends)]);
  try {
    await Promise.race([copies, stopped, interrupted(interrupt)]);
  } catch (error) {
    throw broken(error, progress);
  } finally {
    progress.end();
  }
  announce(
    terminal,
    choices,
    { event: "done", sent: progress.sent, received: progress.received },
    progress.summary(),
  );
  await link.close(DONE);
}

/** The other side closes when both ends have everything: its word is as good as the last acknowledgement. */
function politeEnd(link: Link, ends: { read: boolean }): Promise<void> {
  return new Promise((resolve) => {
    link.addEventListener("close", ({ by, reason }) => {
      if (by === "remote" && reason === DONE && ends.read) resolve();
    });
  });
}

async function copyUp({ input }: Terminal, { writable }: LinkStream, progress: Progress): Promise<void> {
  const writer = writable.getWriter();
  for await (const bytes of input.bytes()) {
    await writer.ready;
    await writer.write(bytes);
    progress.sent += bytes.length;
  }
  await writer.close();
}

async function copyDown(
  { output }: Terminal,
  { readable }: LinkStream,
  progress: Progress,
  ends: { read: boolean },
): Promise<void> {
  for await (const bytes of chunks(readable)) {
    await output.write(bytes);
    progress.received += bytes.length;
  }
  ends.read = true;
}

/** What iterating a stream does, where the runtime cannot. Leaving early cancels. */
async function* chunks(readable: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = readable.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel("whoever read this has gone").catch(() => {});
  }
}

function broken(error: unknown, progress: Progress): unknown {
  const { name, message, code } = error as { name: string; message: string; code?: string };
  if (name !== "WaymeetError" && name !== "Failure") return error;
  return new Failure(code ?? "closed", `the pipe broke: ${message} (${progress.summary()})`, {
    cause: error,
  });
}

/** Standard output belongs to the stream: whatever else there is to say goes to standard error. */
function announce(
  { errors }: Terminal,
  { json }: PipeChoices,
  fields: Record<string, unknown>,
  text: string,
): void {
  errors.write(json ? `${JSON.stringify(fields)}\n` : `waymeet: ${text}\n`);
}
