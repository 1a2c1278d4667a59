/**
 * Round trips until the first message is there. The dialer reaches its node through a proxy that
 * adds no time or much, in turns; what the delay adds to the time, divided by the delay, are
 * the round trips, whatever the machine itself needs.
 */
import { Peer } from "../../src/mod.node.ts";
import type { Bench, Row } from "./bench.ts";
import { type DelayProxy, delayProxy } from "./delay_proxy.ts";
import type { Running } from "./opponents/opponent.ts";
import { waymeet } from "./opponents/bun.ts";
import { median, takeTurns } from "./statistics.ts";

const DELAY = 50;
/** The relay alone: within one process peers would meet without any. */
const paths = { local: false, direct: false };

interface Times {
  /** From nothing to a session with a node. */
  opened: number;
  /** From then until the other process has the message. */
  arrived: number;
  /** From then until the sender knows it. */
  acknowledged: number;
}

/** The same from nothing, where the program says beforehand whom it means to dial. */
interface Foretold {
  foretoldArrived: number;
  foretoldAcknowledged: number;
}

const once = async (node: Running, proxy: DelayProxy): Promise<Times & Foretold> => ({
  ...await stepByStep(node, proxy),
  ...await foretold(node, proxy),
});

function nextArrival(receiver: Peer): Promise<number> {
  return new Promise<number>((arrived) =>
    receiver.addEventListener("link", async ({ link }) => {
      for await (const _message of link) arrived(performance.now());
    })
  );
}

async function foretold(node: Running, proxy: DelayProxy): Promise<Foretold> {
  await using receiver = await Peer.open({ nodes: [`ws://127.0.0.1:${node.port}`], paths });
  const arrival = nextArrival(receiver);
  const start = performance.now();
  const nodes = [`ws://127.0.0.1:${proxy.port}`];
  await using sender = await Peer.open({ nodes, paths, toward: [receiver.id], offline: true });
  await sender.send(receiver.id, "hello");
  const foretoldAcknowledged = performance.now() - start;
  return { foretoldArrived: await arrival - start, foretoldAcknowledged };
}

async function stepByStep(node: Running, proxy: DelayProxy): Promise<Times> {
  await using receiver = await Peer.open({ nodes: [`ws://127.0.0.1:${node.port}`], paths });
  const arrival = nextArrival(receiver);
  const start = performance.now();
  await using sender = await Peer.open({ nodes: [`ws://127.0.0.1:${proxy.port}`], paths });
  const opened = performance.now();
  await using link = await sender.dial(receiver.id);
  await link.send("hello");
  const acknowledged = performance.now() - opened;
  return { opened: opened - start, arrived: await arrival - opened, acknowledged };
}

/** How many round trips the delay shows. */
export function roundTrips(near: number[], far: number[], delay: number): number {
  return Number(((median(far) - median(near)) / delay).toFixed(2));
}

export const firstMessage: Bench = {
  about: "round trips from nothing to a session, and from there to the first message",
  async run({ rounds }) {
    const node = await waymeet.start("relay");
    const [near, far] = [await delayProxy(node.port, 0), await delayProxy(node.port, DELAY)];
    const samples = await takeTurns([near, far], rounds, (proxy) => once(node, proxy));
    for (const proxy of [near, far]) proxy.close();
    node.stop();
    const row = (what: string, key: (times: Times & Foretold) => number): Row => ({
      "round trips": what,
      of: `${DELAY} ms`,
      number: roundTrips(samples.get(near)!.map(key), samples.get(far)!.map(key), DELAY),
      "ms without delay": Math.round(median(samples.get(near)!.map(key))),
    });
    const rows = [
      row("nothing → session with a node", ({ opened }) => opened),
      row("session → the other process has the first message", ({ arrived }) => arrived),
      row("session → the sender knows", ({ acknowledged }) => acknowledged),
      row("nothing → the other process has the first message", ({ opened, arrived }) => opened + arrived),
      row("the same, peer named with `toward`", ({ foretoldArrived }) => foretoldArrived),
      row("the same, until the sender knows", ({ foretoldAcknowledged }) => foretoldAcknowledged),
    ];
    return { versions: { waymeet: waymeet.version() }, notMeasured: {}, rows, notes: NOTES };
  },
};

const NOTES: string[] = [
  "The dialer is behind the proxy, the receiver beside the node: the way to node and peer is the same. Opening TCP costs the proxy nothing; TLS and TCP add their own.",
];
