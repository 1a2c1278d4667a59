/**
 * The operator's console: a page that shows a node and its mesh as they are, and the few
 * things that an operator does by hand. Everything but the empty page needs the token.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { type Context, Hono } from "hono";
import { equalInConstantTime } from "../identity/constant_time.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import type { NodeApp } from "./bindings.ts";
import { type NodeEvent, tidy } from "./events.ts";
import { History, type Sample } from "./history.ts";
import type { NodeInfo } from "./info.ts";
import type { MeshStatus } from "./mesh_status.ts";
import type { RendezvousNode } from "./node.ts";
import { addOrders, HEADERS } from "./orders.ts";
import { addPage, type Assets } from "./pages.ts";

export interface ConsoleOptions {
  /** Who has it may look and act: at least 16 characters. */
  token: string;
  assets: Assets;
  clock?: Clock;
}

/** How a session, or a try of one, ended. */
export interface Ending {
  /** Milliseconds since 1970. */
  at: number;
  what: string;
  peer: string;
  agent: string;
  reason: string;
  text: string;
}

/** What `GET v1/operator/state` answers. */
export interface ConsoleState {
  info: NodeInfo;
  /** Seconds. */
  uptime: number;
  draining: boolean;
  mesh: MeshStatus | null;
  /** Samples after the time that `?since=` names. */
  history: Sample[];
  /** The latest first. */
  endings: Ending[];
  /** Prometheus text. */
  metrics: string;
  /** Peers with a session, at most {@link SHOWN}. */
  peers: PeerId[];
}

/** Peers and endings that are told at once. */
const SHOWN = 100;
/** Shortest token, characters: 16 of base64 are 96 bits. */
export const MIN_TOKEN = 16;

const ENDINGS = ["lost", "failed", "refused", "banned"] as const;

/**
 * The console of one node. Add it to the node's routes with {@link OperatorConsole.mount};
 * `stop` ends its timer.
 */
export class OperatorConsole {
  readonly #node: RendezvousNode;
  readonly #assets: Assets;
  readonly #digest: Uint8Array;
  readonly #history: History;
  readonly #endings: Ending[] = [];
  readonly #began: number;
  readonly #clock: Clock;

  /** @throws {RangeError} when the token is short enough to be guessed. */
  constructor(node: RendezvousNode, { token, assets, clock = systemClock }: ConsoleOptions) {
    if (token.length < MIN_TOKEN) {
      throw new RangeError(
        `the dashboard's token has at least ${MIN_TOKEN} characters: openssl rand -hex 16`,
      );
    }
    this.#node = node;
    this.#assets = assets;
    this.#clock = clock;
    this.#began = clock.now();
    this.#digest = digest(token);
    this.#history = new History(clock, () => this.#sample());
    const ended = (event: Event) => this.#ended(event as NodeEvent);
    for (const type of ENDINGS) node.addEventListener(type, ended);
  }

  /** Begins the history. */
  start(): void {
    this.#history.start();
  }

  stop(): void {
    this.#history.stop();
  }

  /** Adds `dashboard` and `v1/operator/…` to the routes. */
  mount(app: Hono<NodeApp>): void {
    addPage(app, "dashboard", this.#assets);
    const operator = new Hono<NodeApp>();
    operator.use(async (c, next) => this.#isOperator(c) ? await next() : forbidden(c));
    operator.get("/state", (c) => c.json(this.#state(Number(c.req.query("since") ?? 0)), 200, HEADERS));
    operator.post("/drain", async (c) => c.json({ done: await this.#node.drain() }, 200, HEADERS));
    addOrders(operator, this.#node);
    app.route("/v1/operator", operator);
  }

  /** Compared by digest, so the time it takes tells nothing of the token. A header, so no other page can send it. */
  #isOperator(c: Context): boolean {
    const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    return token !== undefined && equalInConstantTime(this.#digest, digest(token));
  }

  #state(since: number): ConsoleState {
    const node = this.#node;
    const peers: PeerId[] = [];
    for (const peer of node.peers()) if (peers.push(peer) >= SHOWN) break;
    return {
      info: node.info(),
      uptime: Math.floor((this.#clock.now() - this.#began) / 1000),
      draining: node.draining,
      mesh: node.meshStatus() ?? null,
      history: this.#history.after(Number.isFinite(since) ? since : 0),
      endings: this.#endings.toReversed(),
      metrics: node.metricsText(),
      peers,
    };
  }

  #sample(): Omit<Sample, "at"> {
    const { sessions, metrics } = this.#node;
    const { framesOut, bytesOut, drops } = metrics;
    return { sessions, framesOut, bytesOut, dropped: drops };
  }

  #ended({ type, peer, agent, reason, text }: NodeEvent): void {
    this.#endings.push({
      at: this.#clock.wall(),
      what: type,
      peer,
      agent: tidy(agent),
      reason,
      text: tidy(text),
    });
    if (this.#endings.length > SHOWN) this.#endings.shift();
  }
}

function forbidden(c: Context): Response {
  return c.json({ error: "this needs the dashboard's token: Authorization: Bearer …" }, 401, {
    ...HEADERS,
    "WWW-Authenticate": "Bearer",
  });
}

function digest(token: string): Uint8Array {
  return sha256(new TextEncoder().encode(token));
}
