/**
 * A connection to NATS on Bun, Deno and Node. It dials again by itself instead of leaving that to the
 * client: that buffers without bound what is published meanwhile, and cannot leave a server that stands still.
 *
 * @module
 */
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import type { NatsMessage, NatsPort, NatsState } from "../src/rendezvous/nats_port.ts";
import { natsPrefix } from "../src/rendezvous/nats_subjects.ts";
import { WaymeetError } from "../src/wire/error.ts";
import { type NatsOptions, type NatsServers, readServers } from "./nats_servers.ts";

/** Milliseconds for one server to accept: one that stands still is not waited for long. */
const DIAL = 2_000;
/** Milliseconds between two rounds over all servers: at first, and at most. */
const FIRST_WAIT = 100;
const LAST_WAIT = 2_000;
/** Milliseconds for the last words before the connection is closed. */
const LAST_WORDS = 500;
/** Bytes, as servers have it unless they are told otherwise. */
const MAX_PAYLOAD = 1_048_576;
/** The server's status of a message that nobody gets. */
const NO_RESPONDERS = 503;

type Client = typeof import("@nats-io/transport-node");

/**
 * Connects to the first of the servers that answers.
 *
 * @throws {TypeError} when a URL is none of NATS.
 * @throws {WaymeetError} `node-unreachable`: nobody answers; `unauthorized`: credentials or permissions are wrong.
 *
 * @example
 * ```ts
 * const port = await connectNats({ servers: ["nats://127.0.0.1:4222"] });
 * await using node = await serve({ fabric: natsFabric(port) });
 * ```
 */
export async function connectNats(options: NatsOptions): Promise<NatsPort> {
  const servers = readServers(options.servers);
  const client = await import("@nats-io/transport-node"); // nobody else pays for it
  return await NatsClient.open(client, servers, options);
}

interface Subscription {
  subject: string;
  hear: (message: NatsMessage) => void;
  queue: string | undefined;
}

class NatsClient implements NatsPort {
  readonly #client: Client;
  readonly #servers: NatsServers;
  readonly #options: NatsOptions;
  readonly #subscriptions: Subscription[] = [];
  #connection: NatsConnection | undefined;
  #state: NatsState = { connected: false, server: undefined, problem: undefined, reconnections: 0 };
  #changed: () => void = () => {};
  /** Servers that a server told of. */
  #others: readonly string[] = [];
  /** What the server does not allow. */
  #refused: string | undefined;
  #closed = false;
  #wait: { timer: ReturnType<typeof setTimeout>; over: () => void } | undefined;

  static async open(client: Client, servers: NatsServers, options: NatsOptions): Promise<NatsClient> {
    const port = new NatsClient(client, servers, options);
    try {
      await port.#dial();
    } catch (error) {
      throw explained(error, servers);
    }
    return port;
  }

  private constructor(client: Client, servers: NatsServers, options: NatsOptions) {
    this.#client = client;
    this.#servers = servers;
    this.#options = options;
  }

  get state(): NatsState {
    return this.#state;
  }

  get maxPayload(): number {
    return this.#connection?.info?.max_payload ?? MAX_PAYLOAD;
  }

  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (this.#state.connected) this.#connection?.publish(subject, data, { reply });
  }

  async request(subject: string, data: Uint8Array, patience: number): Promise<Uint8Array | undefined> {
    const answer = await this.#connection?.request(subject, data, { timeout: patience }).catch(() =>
      undefined
    );
    return answer?.data;
  }

  subscribe(subject: string, hear: (message: NatsMessage) => void, queue?: string): void {
    const subscription = { subject, hear, queue };
    this.#subscriptions.push(subscription);
    if (this.#connection) this.#enter(this.#connection, subscription);
  }

  async flush(): Promise<void> {
    await this.#connection?.flush();
  }

  renew(why: string): void {
    const connection = this.#connection;
    if (connection) this.#lost(connection, why);
  }

  watch(changed: () => void): void {
    this.#changed = changed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wait?.over();
    const connection = this.#connection;
    if (!connection) return;
    await within(connection.flush(), LAST_WORDS).catch(() => {}); // then they are not heard
    this.#connection = undefined;
    this.#tell({ connected: false, problem: "this node has left" });
    await connection.close();
  }

  /** Tries each server once. */
  async #dial(): Promise<void> {
    const connection = await this.#client.connect(this.#connecting());
    if (this.#closed) return void connection.close();
    try {
      await this.#settle(connection);
    } catch (error) {
      this.#connection = undefined;
      connection.close().catch(() => {});
      throw error;
    }
  }

  async #settle(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    this.#others = connection.info?.connect_urls ?? [];
    void connection.closed().then((error) =>
      this.#lost(connection, error?.message ?? "it closed the connection")
    );
    void this.#listen(connection);
    this.#refused = undefined;
    for (const subscription of this.#subscriptions) this.#enter(connection, subscription);
    await within(connection.flush(), DIAL);
    this.#tell({ connected: true, server: connection.getServer(), problem: this.#refused });
  }

  #connecting(): NodeConnectionOptions {
    const { creds, nkey, tls, network = "default", name = "waymeet" } = this.#options;
    const { secure, user, pass, token } = this.#servers;
    const bytes = (text: string) => new TextEncoder().encode(text);
    const { credsAuthenticator, nkeyAuthenticator } = this.#client;
    return {
      ...{ servers: this.#order(), name, noRandomize: true, ignoreClusterUpdates: true, timeout: DIAL },
      ...{ reconnect: false, noEcho: true, inboxPrefix: `${natsPrefix(network)}.inbox` },
      ...user === undefined ? {} : { user, pass },
      ...token === undefined ? {} : { token },
      ...secure || tls ? { tls: tls ?? {} } : {},
      ...creds === undefined ? {} : { authenticator: credsAuthenticator(bytes(creds)) },
      ...nkey === undefined ? {} : { authenticator: nkeyAuthenticator(bytes(nkey.trim())) },
    };
  }

  /** At random, so that nodes spread over a cluster; the one that was lost comes last. */
  #order(): string[] {
    const last = this.#state.server;
    const known = [...new Set([...this.#servers.hosts, ...this.#others])].filter((host) => host !== last);
    const drawn = known.map((host) => ({ host, lot: Math.random() })).sort((a, b) => a.lot - b.lot);
    return [...drawn.map(({ host }) => host), ...last === undefined ? [] : [last]];
  }

  #enter(connection: NatsConnection, { subject, hear, queue }: Subscription): void {
    connection.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error) return this.#forbidden(subject);
        const { data, reply } = message;
        const nobody = data.length === 0 && message.headers?.code === NO_RESPONDERS;
        hear({ subject: message.subject, data, reply: reply || undefined, nobody });
      },
    });
  }

  #forbidden(subject: string): void {
    this.#refused = `NATS does not let this node listen at ${subject}; see its permissions`;
    this.#tell({ problem: this.#refused });
  }

  /** Nothing else tells that a message may not be published. */
  async #listen(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "error") this.#tell({ problem: status.error.message });
    }
  }

  #lost(connection: NatsConnection, why: string): void {
    if (this.#connection !== connection || this.#closed || !this.#state.connected) return;
    this.#connection = undefined;
    const server = this.#state.server ?? "NATS";
    this.#tell({ connected: false, problem: `${server}: ${why}` });
    connection.close().catch(() => {}); // it is lost
    void this.#return();
  }

  async #return(): Promise<void> {
    for (let wait = FIRST_WAIT; !this.#closed; wait = Math.min(LAST_WAIT, 2 * wait)) {
      try {
        this.#state = { ...this.#state, reconnections: this.#state.reconnections + 1 };
        return await this.#dial();
      } catch (error) {
        this.#state = { ...this.#state, reconnections: this.#state.reconnections - 1 };
        this.#tell({ problem: `no server of NATS can be used (${(error as Error).message})` });
      }
      await this.#pause(wait * (0.5 + Math.random()));
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        this.#wait = undefined;
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      this.#wait = { timer, over };
    });
  }

  #tell(change: Partial<NatsState>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed();
  }
}

async function within(flushed: Promise<void>, milliseconds: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it does not answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([flushed, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What an operator can do about it. */
function explained(error: unknown, { hosts }: NatsServers): WaymeetError {
  const { name, message } = error as Error;
  const where = hosts.join(", ");
  if (/authoriz|authentic|user|nkey|jwt/i.test(name + message)) {
    const text = `NATS at ${where} does not let this node in (${message}); give its credentials in the URL ` +
      `(nats://user:password@host:4222), as creds or as nkey`;
    return new WaymeetError("unauthorized", text, { cause: error });
  }
  const text =
    `no server of NATS can be used at ${where} (${message}); start one (nats-server), or name another; ` +
    `with TLS, name the CA of its certificate`;
  return new WaymeetError("node-unreachable", text, { cause: error });
}
