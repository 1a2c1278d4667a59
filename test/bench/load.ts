/** The load: bursts through the pairs of one relay, as many as it takes, or at a rate. */
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { processorTime } from "./machine.ts";
import type { Pair } from "./opponents/opponent.ts";
import { quantile } from "./statistics.ts";

/** Frames under way through one pair: below the queues of 512 that derper and iroh-relay drop from. */
const WINDOW = 448;
/** The same through all pairs: what is more only waits longer. */
const WINDOW_ALL = 28_672;
/** Bytes under way through one pair: enough to keep a server busy, below the limits of queues. */
const WINDOW_BYTES = 1_000_000;
/** Milliseconds without any arrival after which what is missing is lost: a busy machine pauses for long. */
const PATIENCE = 3_000;
/** The share of a core from which a process is said to have had no more to give. */
const BUSY = 0.8;

export interface Shape {
  /** Bytes of one payload. */
  size: number;
  /** Frames that are there at once and may be sent together. */
  burst: number;
  pairs: number;
  /** Bytes under way through one pair. Default {@link WINDOW_BYTES}. */
  window?: number;
  /** Whether a pair sends the next burst only when the one before has arrived. Default false. */
  alone?: boolean;
  /** Whether no pair may get further ahead of the slowest than its window: all carry the same. Default false. */
  even?: boolean;
}

export interface Sample {
  framesPerSecond: number;
  /** Processor time of the relay's processes, all their threads, microseconds. */
  microsecondsPerFrame: number;
  /** Shares of one core that the relay and this process had. */
  relayShare: number;
  generatorShare: number;
  lost: number;
}

/** What the rate stands for: the relay's best, this generator's, or what others left of the machine. */
export type Bottleneck = "relay" | "generator" | "machine";

export function bottleneck({ relayShare, generatorShare }: Sample): Bottleneck {
  if (relayShare >= BUSY && relayShare >= generatorShare) return "relay";
  return generatorShare >= BUSY ? "generator" : "machine";
}

/** Keeps every pair's window full for `duration` ms, then waits for what is under way. `pids`: the relay's processes. */
export async function saturate(
  pids: number[],
  pairs: Pair[],
  shape: Shape,
  duration: number,
): Promise<Sample> {
  const flows = pairs.map((pair) => new Flow(pair, shape));
  const stop = clockOf(() => pids.reduce((sum, pid) => sum + processorTime(pid), 0));
  const start = performance.now();
  while (performance.now() - start < duration) {
    const slowest = shape.even ? Math.min(...flows.map(({ received }) => received)) : Infinity;
    for (const flow of flows) flow.fill(slowest);
    await turn();
  }
  await settled(flows);
  return sampleOf(flows, stop());
}

/**
 * Sends as many frames a second as told, in bursts evenly over time and pairs. Resolves with the
 * milliseconds from each frame's sending to the turn of the event loop that saw it arrive.
 */
export async function pace(pairs: Pair[], shape: Shape, rate: number, duration: number): Promise<number[]> {
  const flows = pairs.map((pair) => new Flow(pair, shape));
  const start = performance.now();
  let bursts = 0;
  for (let now = start; now - start < duration; now = performance.now()) {
    for (const due = (now - start) / 1000 * rate / shape.burst; bursts < due; bursts++) {
      flows[bursts % flows.length]!.send();
    }
    await turn();
  }
  await settled(flows);
  return flows.flatMap(({ delays }) => delays);
}

/** p50 and p99 of some delays, microseconds. */
export function percentiles(delays: number[]): { p50: number; p99: number } {
  return { p50: quantile(delays, 0.5) * 1000, p99: quantile(delays, 0.99) * 1000 };
}

/** What one pair has under way. */
class Flow {
  readonly #pair: Pair;
  readonly #bytes: Uint8Array;
  readonly #burst: number;
  readonly #window: number;
  sent = 0;
  received = 0;
  /** Times of the bursts that have not arrived wholly, oldest first. */
  readonly #times: number[] = [];
  readonly delays: number[] = [];

  constructor(pair: Pair, { size, burst, pairs, window = WINDOW_BYTES, alone }: Shape) {
    this.#pair = pair;
    this.#bytes = pair.burst(size, burst);
    this.#burst = burst;
    const own = pair.window?.(size) ?? WINDOW;
    const most = Math.min(WINDOW, own, Math.floor(window / size), Math.floor(WINDOW_ALL / pairs));
    this.#window = alone ? burst : Math.max(2 * burst, most);
    pair.arrived = (count) => this.#arrived(count);
  }

  /** `slowest`: frames that the slowest flow has carried. */
  fill(slowest: number): void {
    while (this.sent - Math.min(this.received, slowest) + this.#burst <= this.#window) this.send();
  }
  send(): void {
    this.#times.push(performance.now());
    this.#pair.write(this.#bytes);
    this.sent += this.#burst;
  }
  #arrived(count: number): void {
    this.received += count;
    const whole = Math.floor(this.received / this.#burst) - this.delays.length;
    if (whole === 0) return;
    const now = performance.now();
    for (const time of this.#times.splice(0, whole)) this.delays.push(now - time);
  }
}

async function settled(flows: Flow[]): Promise<void> {
  const received = () => flows.reduce((sum, flow) => sum + flow.received, 0);
  const sent = flows.reduce((sum, flow) => sum + flow.sent, 0);
  let [before, since] = [received(), performance.now()];
  while (before < sent && performance.now() - since < PATIENCE) {
    await turn();
    if (received() > before) [before, since] = [received(), performance.now()];
  }
}

interface Spent {
  seconds: number;
  relay: number;
  generator: number;
}

/** Begins to count; the function it returns tells what was spent since, processor times in microseconds. */
function clockOf(relayTime: () => number): () => Spent {
  const [start, relay, generator] = [performance.now(), relayTime(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(generator);
    return {
      seconds: (performance.now() - start) / 1000,
      relay: relayTime() - relay,
      generator: user + system,
    };
  };
}

function sampleOf(flows: Flow[], { seconds, relay, generator }: Spent): Sample {
  const received = flows.reduce((sum, flow) => sum + flow.received, 0);
  return {
    framesPerSecond: received / seconds,
    microsecondsPerFrame: relay / Math.max(1, received),
    relayShare: relay / 1e6 / seconds,
    generatorShare: generator / 1e6 / seconds,
    lost: flows.reduce((sum, flow) => sum + flow.sent - flow.received, 0),
  };
}
