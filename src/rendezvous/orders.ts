/**
 * What an operator orders over HTTP: the routes below `v1/operator/`, behind the console's token.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import { tryPeerId } from "../identity/peer_id.ts";
import { parseSubject } from "./ban_subject.ts";
import { noSubject } from "./bans.ts";
import type { NodeApp } from "./bindings.ts";
import { tidy } from "./events.ts";
import type { RendezvousNode } from "./node.ts";
import { readLimits, writeLimits } from "./node_limits.ts";

/** Nothing here is to be framed, guessed at, or kept. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Adds `disconnect`, `ban`, `unban`, `bans` and `limits`. */
export function addOrders(operator: Hono<NodeApp>, node: RendezvousNode): void {
  operator.post("/disconnect", (c) =>
    act(c, ({ subject, reason }) => {
      const peer = tryPeerId(subject);
      if (peer === undefined) throw new RangeError('"peer" must be a PeerId of 52 letters');
      return node.disconnect(peer, reason);
    }));
  operator.post("/ban", (c) =>
    act(c, ({ subject, reason, seconds }) => {
      node.ban(subject, reason, seconds);
      return true;
    }));
  operator.post("/unban", (c) => act(c, ({ subject }) => node.unban(subject)));
  operator.get("/bans", (c) =>
    c.json(
      node.controls.bans.map((ban) => ({ ...ban, until: ban.until === Infinity ? null : ban.until })),
      200,
      HEADERS,
    ));
  operator.get("/limits", (c) => c.json(writeLimits(node.limits), 200, HEADERS));
  operator.post("/limits", async (c) => {
    const body = await c.req.json().catch(() => undefined);
    return attempt(c, () => {
      node.controls.setLimits(readLimits(body));
      return writeLimits(node.limits);
    });
  });
}

interface Order {
  subject: string;
  reason: string | undefined;
  seconds: number | undefined;
}

async function act(c: Context, done: (order: Order) => boolean): Promise<Response> {
  const order = readOrder(await c.req.json().catch(() => undefined));
  if (typeof order === "string") return c.json({ error: order }, 400, HEADERS);
  return attempt(c, () => ({ done: done(order) }));
}

/** What the operator asked for that is out of bounds is told, and changes nothing. */
function attempt(c: Context, answer: () => Record<string, unknown>): Response {
  try {
    return c.json(answer(), 200, HEADERS);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return c.json({ error: error.message }, 400, HEADERS);
  }
}

/** What the operator wants done, or what is wrong with it. `peer` is another name of `subject`. */
function readOrder(body: unknown): Order | string {
  const { peer, subject = peer, reason, seconds } = Object(body) as Record<string, unknown>;
  if (typeof subject !== "string" || parseSubject(subject) === undefined) {
    return peer !== undefined || subject === undefined
      ? '"peer" must be a PeerId of 52 letters'
      : noSubject(String(subject));
  }
  if (reason !== undefined && typeof reason !== "string") return '"reason" must be text';
  if (seconds !== undefined && !(typeof seconds === "number" && seconds > 0)) {
    return '"seconds" must be a number above 0';
  }
  return { subject, reason: reason && tidy(reason), seconds };
}
