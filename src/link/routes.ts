/**
 * The paths of one link: the relay and whatever was offered beside it. Receiving works
 * on all of them at once; one carries what is sent, and {@link Steering} says which.
 * Mechanism alone: nothing here decides.
 *
 * @module
 */
import type { Challenge } from "./frames.ts";
import { TOKEN_SIZE } from "./limits.ts";
import { Route } from "./route.ts";
import type { Steering } from "./steering.ts";
import type { Track } from "./track.ts";
import type { CandidateOutcome, PathCandidate, PathEvents, PathTransport } from "./transport.ts";
import type { Beside } from "./ways.ts";

/** What the paths need of their link. */
export interface Trunk {
  now(): number;
  random(size: number): Uint8Array;
  /** One packet of these pieces. */
  seal(...plaintext: Uint8Array[]): Uint8Array | undefined;
  /** Hands a packet to the relay. */
  relay(packet: Uint8Array): void;
  arrived(packet: Uint8Array, route: Route): void;
  /** Packets leave by another path from now on; `track` undefined: the relay's. */
  moved(track: Track | undefined, abrupt: boolean): void;
  beside(beside: Beside): void;
  wake(): void;
}

export class Routes {
  readonly relay: Route = new Route(0);
  /** What is sent leaves by it. */
  using: Route = this.relay;
  /** The latest packet of the conversation came by it: acknowledgements go back there. */
  arrival: Route = this.relay;
  steering: Steering | undefined;
  /** The node session is there. */
  relayUp = false;
  readonly #trunk: Trunk;
  readonly #others: Map<number, Route> = new Map();
  #last = 0;
  #over = false;

  constructor(trunk: Trunk) {
    this.#trunk = trunk;
  }

  get(id: number): Route | undefined {
    return id === 0 ? this.relay : this.#others.get(id);
  }

  /** Whether there is anything beside the relay. */
  get plural(): boolean {
    return this.#others.size > 0;
  }

  /** Where acknowledgements go apart from the rest, if anywhere. */
  get detour(): Route | undefined {
    const { arrival } = this;
    if (arrival === this.using) return undefined;
    const works = arrival === this.relay ? this.relayUp : arrival.state === "validated";
    return works ? arrival : undefined;
  }

  setRelay(up: boolean): void {
    if (this.relayUp === up) return;
    this.relayUp = up;
    this.steering?.relay(up);
  }

  // What is offered, and what becomes of it.

  offer(
    open: (events: PathEvents) => PathTransport,
    settled?: (outcome: CandidateOutcome) => void,
  ): PathCandidate {
    if (this.#over) {
      settled?.({ kind: "failed", reason: "the link is over" });
      return { withdraw() {} };
    }
    const route: Route = new Route(
      ++this.#last,
      open({
        packet: (bytes) => this.#isOpen(route) && this.#trunk.arrived(bytes, route),
        closed: (reason) => this.#lose(route, reason),
        drained: () => this.#trunk.wake(),
      }),
      settled,
    );
    this.#replace(route);
    this.#others.set(route.id, route);
    this.#tellBeside();
    this.steering?.offered(route);
    return { withdraw: (reason) => this.#lose(route, reason) };
  }

  #isOpen(route: Route): boolean {
    return route.state !== "closed";
  }

  /** Of two candidates of one kind the newer one counts; one that carries packets stays until the newer is validated. */
  #replace({ kind }: Route): void {
    for (const route of [...this.#others.values()]) {
      if (route.kind === kind && route.state === "candidate") this.#close(route, { kind: "replaced" });
    }
  }

  #lose(route: Route, reason: string): void {
    if (this.#isOpen(route)) this.#close(route, { kind: "failed", reason });
  }

  #close(route: Route, outcome: Exclude<CandidateOutcome, { kind: "validated" }>): void {
    this.#others.delete(route.id);
    route.state = "closed";
    route.transport!.close();
    route.settle(outcome);
    if (this.arrival === route) this.arrival = this.using;
    if (this.using === route) this.use(this.relay, true);
    if (this.arrival === route) this.arrival = this.relay;
    this.#tellBeside();
    const reason = outcome.kind === "failed" ? outcome.reason : "a newer one took its place";
    this.steering?.gone(route, reason);
  }

  /** Closes all but the relay: the link is over, or the other process is another. */
  reset(reason: string, over: boolean): void {
    this.#over = over;
    for (const route of [...this.#others.values()]) this.#lose(route, reason);
    this.steering?.reset(over);
  }

  // What the steering wants.

  challenge(route: Route): void {
    route.challenge(this.#trunk.random(TOKEN_SIZE), this.#trunk.now());
    this.#trunk.wake();
  }

  /** From now on packets leave by that path. `abrupt`: the one used so far carries nothing any more. */
  use(route: Route, abrupt: boolean): void {
    if (route === this.using || !this.#isOpen(route)) return;
    this.using = route;
    if (abrupt) this.arrival = route;
    if (route.roundTrip.smoothed !== undefined) route.track?.roundTrip.seed(route.roundTrip.smoothed);
    this.#trunk.moved(route.track, abrupt);
    this.#tellBeside();
    this.#trunk.wake();
  }

  drop(route: Route, reason: string): void {
    if (route !== this.relay) this.#lose(route, reason);
  }

  #tellBeside(): void {
    const greetings = [...this.#others.values()].some(({ kind }) => kind === "local");
    this.#trunk.beside(this.using !== this.relay ? "all" : greetings ? "greetings" : "nothing");
  }

  // Packets.

  /** A challenge, or the answer to one of ours. */
  about(frame: Challenge, arrival: Route): void {
    if (frame.kind === "challenge") {
      arrival.answer(frame.token);
      return this.#trunk.wake();
    }
    const rtt = frame.kind === "challenge-ack" ? arrival.answered(frame.token, this.#trunk.now()) : undefined;
    if (rtt === undefined) return;
    if (arrival.state === "candidate") {
      arrival.state = "validated";
      arrival.settle({ kind: "validated", rtt });
    }
    this.steering?.answered(arrival, rtt);
  }

  send(packet: Uint8Array, route: Route = this.using): void {
    if (route.transport) route.transport.send(packet);
    else this.#trunk.relay(packet);
  }

  /** A handshake's packet: authentic by itself and harmless twice, it leaves by every way that may be one. */
  greet(packet: Uint8Array): void {
    for (const route of this.#others.values()) {
      if (route === this.using || route.kind === "local") this.send(packet, route);
    }
    this.send(packet, this.relay);
  }

  /** Challenges and answers leave by the paths they are about. */
  flush(): void {
    this.#flushRoute(this.relay);
    for (const route of this.#others.values()) this.#flushRoute(route);
  }

  #flushRoute(route: Route): void {
    if (!route.waiting) return;
    const packet = this.#trunk.seal(...route.take());
    if (packet) this.send(packet, route);
  }
}
