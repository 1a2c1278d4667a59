/**
 * The choice of one link at work: tells it what happens, does what it says.
 *
 * @module
 */
import type { SteeredHost } from "../link/carrier.ts";
import type { Route } from "../link/route.ts";
import type { Steering } from "../link/steering.ts";
import { Alarm } from "../link/alarm.ts";
import {
  type Choice,
  type ChoiceEffect,
  type ChoiceEvent,
  choose,
  deadline,
  newChoice,
  whyOf,
} from "./choice.ts";
import { ACTIVE_FOR } from "./limits.ts";
import type { PathSource } from "./port.ts";

export class PathSteering implements Steering {
  readonly #host: SteeredHost;
  readonly #source: PathSource | undefined;
  readonly #whenOpened: () => void;
  readonly #whenReset: () => void;
  readonly #alarm: Alarm;
  readonly #routes: Map<number, Route> = new Map();
  #state: Choice = newChoice(false);
  #due = Infinity;
  #giveUp: (() => void) | undefined;
  readonly #queue: ChoiceEvent[] = [];
  #told = "";

  /** `whenOpened`: keys are agreed with another process than before; `whenReset`: they count no more. */
  constructor(
    host: SteeredHost,
    source: PathSource | undefined,
    whenOpened: () => void,
    whenReset: () => void,
  ) {
    this.#host = host;
    this.#source = source;
    this.#whenOpened = whenOpened;
    this.#whenReset = whenReset;
    this.#alarm = new Alarm(host.clock, () => this.#tick());
  }

  get why(): string | undefined {
    return whyOf(this.#state, this.#now);
  }

  get #now(): number {
    return this.#host.clock.now();
  }

  opened(): void {
    this.#whenOpened();
    this.#happen({ type: "opened", first: this.#host.first, source: this.#source !== undefined });
  }

  offered(route: Route): void {
    const { kind, why } = route.transport!;
    this.#routes.set(route.id, route);
    this.#happen({ type: "offered", id: route.id, kind, why });
  }

  answered({ id }: Route, rtt: number): void {
    this.#happen({ type: "answered", id, rtt });
  }

  gone({ id }: Route, reason: string): void {
    this.#routes.delete(id);
    this.#happen({ type: "gone", id, reason });
  }

  relay(up: boolean): void {
    this.#happen({ type: "relay", up });
  }

  /** Called at every turn: once a second is enough. */
  busy(): void {
    if (this.#state.activeUntil - this.#now < ACTIVE_FOR / 2) this.#happen({ type: "busy" });
  }

  stalled(): void {
    this.#happen({ type: "stalled" });
  }

  reset(): void {
    this.#whenReset();
    this.#giveUp?.();
    this.#giveUp = undefined;
    this.#alarm.stop();
    this.#due = Infinity;
    this.#state = newChoice(this.#host.relayed);
  }

  #tick(): void {
    const now = this.#now;
    const host = this.#host;
    const state = this.#state;
    const due = this.#due;
    this.#due = Infinity;
    if (now < deadline(state)) return this.#arm(now);
    const using = host.using;
    this.#happen({
      type: "tick",
      late: Math.max(0, now - due),
      busy: host.busy,
      progressAt: host.carried(using).progressAt,
      look: {
        path: host.carried(using),
        rtt: using.roundTrip.smoothed,
        relay: host.carried(host.relay),
        relayRtt: host.relay.roundTrip.smoothed,
      },
    });
  }

  /** What an effect brings about is decided upon when all of them are done. */
  #happen(event: ChoiceEvent): void {
    this.#queue.push(event);
    if (this.#queue.length > 1) return;
    try {
      while (this.#queue.length > 0) {
        this.#step(this.#queue[0]!);
        this.#queue.shift();
      }
    } finally {
      this.#queue.length = 0; // a port that throws must not stop what comes after
    }
    this.#arm(this.#now);
    this.#tell();
  }

  #step(event: ChoiceEvent): void {
    const { state, effects } = choose(this.#state, event, this.#now);
    this.#state = state;
    for (const effect of effects) this.#act(effect);
  }

  #act(effect: ChoiceEffect): void {
    if (effect.type === "attempt") return this.#attempt();
    const route = effect.id === 0 ? this.#host.relay : this.#routes.get(effect.id);
    if (!route) return;
    if (effect.type === "challenge") this.#host.challenge(route);
    else if (effect.type === "use") this.#host.use(route, effect.abrupt);
    else this.#host.drop(route, effect.reason);
  }

  #attempt(): void {
    let over = false;
    const cancel = this.#source!.attempt(this.#host, ({ why, retryAfter = 0 }) => {
      if (over) return;
      over = true;
      this.#giveUp = undefined;
      this.#happen({ type: "attempted", why, retryAfter });
    });
    this.#giveUp = over ? undefined : () => {
      over = true;
      cancel();
    };
  }

  #arm(now: number): void {
    const at = deadline(this.#state);
    this.#due = at;
    this.#alarm.arm(at, now);
  }

  /** Listeners hear of another path and of another reason, not of time that goes by. */
  #tell(): void {
    const { using, reason } = this.#state;
    const told = `${using} ${using === 0 ? reason : ""}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#host.told();
  }
}
