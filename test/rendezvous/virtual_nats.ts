/** A server of NATS in memory, on a clock that a test turns: subjects, queue groups, "no responders", at most once. */
import type { Clock } from "../../src/session/clock.ts";
import type { NatsMessage, NatsPort, NatsState } from "../../src/rendezvous/nats_port.ts";

interface Subscription {
  subject: string;
  hear: (message: NatsMessage) => void;
  queue: string | undefined;
  port: VirtualNatsPort;
}

export class VirtualNats {
  readonly clock: Clock;
  /** Milliseconds from a publisher to the server, and from there to whoever listens. */
  delay: number;
  /** Whether connections can be made. */
  up = true;
  maxPayload = 1_048_576;
  /** Whether what one publishes comes to the other: servers of a cluster may be parted. */
  passes: (from: string, to: string) => boolean = () => true;
  /** Everything that was published, in its order. */
  readonly published: { subject: string; data: Uint8Array }[] = [];
  readonly ports: Set<VirtualNatsPort> = new Set();
  #turn = 0;

  constructor(clock: Clock, delay: number = 1) {
    this.clock = clock;
    this.delay = delay;
  }

  /** `name`: whose connection it is. */
  connect(name: string, clock: Clock = this.clock): VirtualNatsPort {
    const port = new VirtualNatsPort(this, name, clock);
    this.ports.add(port);
    return port;
  }

  /** All connections are lost; they come back once {@link up} again. */
  stop(): void {
    this.up = false;
    for (const port of this.ports) port.lose("connection reset");
  }

  /** As the end of a process: the server learns of it at once. */
  kill(name: string): void {
    for (const port of this.of(name)) port.end();
  }

  of(name: string): VirtualNatsPort[] {
    return [...this.ports].filter((port) => port.name === name);
  }

  /** What the server does with a message. */
  route(from: VirtualNatsPort | undefined, subject: string, data: Uint8Array, reply?: string): void {
    const listening = [...this.ports].filter((port) => port !== from && port.state.connected)
      .filter((port) => from === undefined || this.passes(from.name, port.name))
      .flatMap(({ subscriptions }) => subscriptions).filter((each) => matches(each.subject, subject));
    const groups = new Map<string, Subscription[]>();
    for (const each of listening) {
      if (each.queue === undefined) each.port.deliver(each, { subject, data, reply, nobody: false });
      else groups.set(each.queue, [...groups.get(each.queue) ?? [], each]);
    }
    for (const members of groups.values()) {
      const one = members[this.#turn++ % members.length]!;
      one.port.deliver(one, { subject, data, reply, nobody: false });
    }
    if (listening.length > 0 || reply === undefined || from === undefined) return;
    from.answer(reply, { subject: reply, data: new Uint8Array(0), reply: undefined, nobody: true });
  }
}

export class VirtualNatsPort implements NatsPort {
  readonly name: string;
  readonly subscriptions: Subscription[] = [];
  /** The connection stands, but nothing passes. */
  frozen = false;
  /** Reasons why the connection was given up by this side. */
  readonly renewals: string[] = [];
  state: NatsState = { connected: true, server: "nats:4222", problem: undefined, reconnections: 0 };
  readonly #nats: VirtualNats;
  readonly #clock: Clock;
  #changed: () => void = () => {};
  #ended = false;
  #requests = 0;
  #connection = 0;

  constructor(nats: VirtualNats, name: string, clock: Clock) {
    this.#nats = nats;
    this.name = name;
    this.#clock = clock;
  }

  get maxPayload(): number {
    return this.#nats.maxPayload;
  }

  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (!this.state.connected || this.#ended) return;
    this.#nats.published.push({ subject, data });
    this.#later(() => this.#nats.route(this, subject, data, reply));
  }

  request(subject: string, data: Uint8Array, patience: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const inbox = `${subject.split(".").slice(0, 2).join(".")}.inbox.${
        this.name.replaceAll(".", "_")
      }.${this.#requests++}`;
      const end = (answer?: Uint8Array): void => {
        cancel();
        this.subscriptions.splice(this.subscriptions.findIndex((each) => each.subject === inbox), 1);
        resolve(answer);
      };
      const cancel = this.#clock.after(patience, () => end());
      this.subscribe(inbox, ({ data, nobody }) => end(nobody ? undefined : data));
      this.publish(subject, data, inbox);
    });
  }

  subscribe(subject: string, hear: (message: NatsMessage) => void, queue?: string): void {
    this.subscriptions.push({ subject, hear, queue, port: this });
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#later(() => this.#later(resolve)));
  }

  renew(why: string): void {
    this.renewals.push(why);
    this.frozen = false;
    this.lose(why);
  }

  watch(changed: () => void): void {
    this.#changed = changed;
  }

  close(): Promise<void> {
    this.#later(() => this.end());
    return Promise.resolve();
  }

  /** Another connection is tried a tenth of a second later. */
  lose(why: string): void {
    if (!this.state.connected || this.#ended) return;
    this.#connection++;
    this.#tell({ connected: false, problem: why });
    this.#again();
  }

  end(): void {
    this.#ended = true;
    this.#nats.ports.delete(this);
  }

  deliver({ hear }: Subscription, message: NatsMessage): void {
    // A peer's socket may change what it is given, and others get the same.
    this.#later(() => hear({ ...message, data: message.data.slice() }));
  }

  answer(subject: string, message: NatsMessage): void {
    for (const each of this.subscriptions) if (matches(each.subject, subject)) this.deliver(each, message);
  }

  #again(): void {
    this.#clock.after(100, () => {
      if (!this.#nats.up) return this.#again();
      this.#tell({ connected: true, problem: undefined, reconnections: this.state.reconnections + 1 });
    });
  }

  #later(act: () => void): void {
    const connection = this.#connection;
    this.#nats.clock.after(this.#nats.delay, () => {
      if (connection === this.#connection && !this.frozen && !this.#ended) act();
    });
  }

  #tell(change: Partial<NatsState>): void {
    if (this.#ended) return;
    this.state = { ...this.state, ...change };
    this.#changed();
  }
}

/** As NATS has it: `*` is one token, `>` all that follow. */
export function matches(pattern: string, subject: string): boolean {
  const [wanted, tokens] = [pattern.split("."), subject.split(".")];
  const rest = wanted.indexOf(">");
  if (rest < 0 && wanted.length !== tokens.length) return false;
  return wanted.every((each, i) =>
    each === ">" || i > rest && rest >= 0 || each === "*" || each === tokens[i]
  );
}
