/** `end.ts MODULE`: one program of a pair. JSON lines in and out. */
import process from "node:process";
import { createInterface } from "node:readline";
import type { End, Sender } from "./contender.ts";

export type Order =
  | { order: "listen"; relay: string }
  | { order: "dial"; relay: string; address: string }
  /** Sends messages of `size` bytes for `ms`, at most `window` bytes unanswered. */
  | { order: "send"; size: number; ms: number; window: number }
  /** `count` messages, each after the answer to the one before. */
  | { order: "ping"; count: number };

const { end } = await import(process.argv[2]!) as { end: End };
let sender: Sender | undefined;

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function send(size: number, ms: number, window: number): Promise<number> {
  const message = new Uint8Array(size);
  const most = Math.max(1, Math.floor(window / Math.max(size, 1_024)));
  let [sent, answered] = [0, 0];
  let go = (): void => {};
  const answer = () => {
    answered++;
    go();
  };
  const room = (most: number) =>
    new Promise<void>((resolve) => (go = () => void (sent - answered < most && resolve()))());
  for (const until = performance.now() + ms; performance.now() < until; sent++) {
    if (sent - answered >= most) await room(most);
    void sender!.send(message).then(answer);
  }
  await room(1);
  return sent;
}

async function ping(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await sender!.send(new Uint8Array(64));
    times.push(1_000 * (performance.now() - began));
  }
  return times;
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case "listen":
      return say({ event: "listens", address: await end.listen(order.relay) });
    case "dial":
      sender = await end.dial(order.relay, order.address);
      await sender.send(new Uint8Array(1));
      return say({ event: "dialled", path: sender.path() });
    case "send": {
      const began = performance.now();
      const sent = await send(order.size, order.ms, order.window);
      return say({ event: "sent", sent, seconds: (performance.now() - began) / 1_000, path: sender!.path() });
    }
    case "ping":
      return say({ event: "pinged", times: await ping(order.count) });
  }
}

let before: Promise<void> = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  before = before.then(() => obey(JSON.parse(line) as Order));
}
process.exit(0);
