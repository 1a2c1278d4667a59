/**
 * What a node answers over HTTP. All routes are relative, so the app mounts anywhere.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { ipText, parseAddress } from "../stun/address.ts";
import { MAX_CONTROL } from "../wire/limits.ts";
import { type Reason, SUBPROTOCOL } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import type { Admission } from "./admission.ts";
import type { NodeApp, Upgrade } from "./bindings.ts";
import type { NodeInfo } from "./info.ts";
import type { MeshStatus } from "./mesh_status.ts";
export type { NodeApp, NodeBindings, Upgrade } from "./bindings.ts";
import { homePage, PAGE_POLICY } from "./page.ts";
import { addPage, type Assets, attribute } from "./pages.ts";

/** Why a request does not become a session. */
export interface Refused {
  status: 400 | 403 | 429 | 503;
  reason: Reason;
  text: string;
}

/** The node, as its pages see it. */
export interface AppPort {
  admit(claimed: string, address: string, origin?: string, sought?: readonly string[]): Admission | Refused;
  /** When an upgrade may go ahead. */
  turnstile: (pass: () => void) => void;
  info(): NodeInfo;
  /** A request was answered with this status, 400 or more. */
  refused(status: number): void;
  /** Takes a signed order; why not, in words. */
  order(frame: Uint8Array): Promise<string | undefined>;
  /** `undefined`: not for strangers. */
  metrics(): string | undefined;
  /** `undefined`: not for strangers; `null`: this node has no mesh. */
  mesh(): MeshStatus | null | undefined;
  /** Why newcomers had better go elsewhere. */
  readiness(): string | undefined;
  /** Files of the chat, when the node serves it. */
  chat: Assets | undefined;
}

/** The routes of one node. */
export function nodeApp(port: AppPort): Hono<NodeApp> {
  const app = new Hono<NodeApp>();
  app.use(async (c, next) => {
    await next();
    if (c.res.status >= 400) port.refused(c.res.status);
  });
  app.get("/v1/connect/:peer", (c) => connect(port, c, c.req.param("peer")));
  app.post("/v1/orders", async (c) => {
    const obstacle = await readOrder(c, (frame) => port.order(frame));
    return c.text(`${obstacle ?? "done"}\n`, obstacle === undefined ? 200 : 403, SAFE);
  });
  app.get("/healthz", (c) => c.text("ok\n", 200, SAFE));
  app.get("/readyz", (c) => {
    const obstacle = port.readiness();
    return c.text(`${obstacle ?? "ready"}\n`, obstacle === undefined ? 200 : 503, SAFE);
  });
  app.get("/v1/info", (c) => c.json(port.info(), 200, { ...SAFE, "Access-Control-Allow-Origin": "*" }));
  app.get("/metrics", (c) => {
    const text = port.metrics();
    if (text === undefined) {
      return c.text("the operator keeps the metrics private (option publicMetrics)\n", 403, SAFE);
    }
    return c.body(text, 200, { ...SAFE, "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("/v1/mesh", (c) => {
    const status = port.mesh();
    if (status === undefined) {
      return c.text("the operator keeps the mesh private (option publicMetrics)\n", 403, SAFE);
    }
    return status === null
      ? c.text("this node has no mesh (option mesh)\n", 404, SAFE)
      : c.json(status, 200, SAFE);
  });
  app.get(
    "/",
    (c) => c.html(homePage(port.info()), 200, { ...SAFE, "Content-Security-Policy": PAGE_POLICY }),
  );
  if (port.chat) addChat(app, port.chat, port.info().network);
  return app;
}

/** The page talks to the node that served it, in that node's network. */
function addChat(app: Hono<NodeApp>, assets: Assets, network: string): void {
  addPage(
    app,
    "chat",
    assets,
    (html) => html.replace('data-network="default"', () => `data-network="${attribute(network)}"`),
  );
}

/** Nothing here is to be framed, guessed at, or kept. */
const SAFE = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

async function connect(port: AppPort, c: Context<NodeApp>, claimed: string): Promise<Response> {
  const obstacle = upgradeObstacle(c);
  if (obstacle !== undefined) {
    return c.text(`${obstacle}\n`, 426, { ...SAFE, Upgrade: "websocket", Connection: "Upgrade" });
  }
  const { upgrade, address = "", waited = false } = c.env ?? {};
  if (upgrade === undefined) {
    return c.text("this server has no WebSocket upgrade for the node's routes\n", 501, SAFE);
  }
  const admitted = port.admit(
    claimed,
    plainAddress(address),
    c.req.header("origin"),
    c.req.queries("find"),
  );
  if ("status" in admitted) return refusal(admitted);
  if (!waited) await new Promise<void>(port.turnstile);
  return upgraded(admitted, upgrade) ?? c.text("the WebSocket handshake failed\n", 400, SAFE);
}

/** The signature is the order's proof, so nothing else is asked. Nothing longer than an order is read. */
async function readOrder(
  c: Context,
  take: (frame: Uint8Array) => Promise<string | undefined>,
): Promise<string | undefined> {
  const length = Number(c.req.header("content-length") ?? NaN);
  if (!(length <= MAX_CONTROL)) return `an order has at most ${MAX_CONTROL} bytes, and says how many`;
  return await take(new Uint8Array(await c.req.arrayBuffer()));
}

/** A socket for both families writes IPv4 as `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2): one stranger, one name. */
export function plainAddress(address: string): string {
  if (!address.includes(":")) return address;
  const parsed = parseAddress(address, 0);
  return parsed === undefined ? address : ipText(parsed);
}

/** Whatever the runtime does: without a socket the place is free again. */
function upgraded(admission: Admission, upgrade: Upgrade): Response | undefined {
  let response: Response | undefined;
  try {
    response = upgrade(admission);
  } catch {
    response = undefined; // not a WebSocket handshake as RFC 6455 §4.2.1 has it
  }
  if (response === undefined) admission.release();
  return response;
}

function upgradeObstacle(c: Context<NodeApp>): string | undefined {
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return `here a WebSocket is opened with the subprotocol ${SUBPROTOCOL}; see /v1/info for what this is`;
  }
  const offered = (c.req.header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  return offered.includes(SUBPROTOCOL) ? undefined : `this node speaks the subprotocol ${SUBPROTOCOL} only`;
}

/** Made without Hono's context, for the thousands of a flood. Who is refused is not to keep its connection, either. */
export function refusal({ status, reason, text }: Refused): Response {
  const headers = status === 503 || status === 429 ? REFUSED_FOR_NOW : REFUSED;
  return new Response(JSON.stringify({ reason: reasonName(reason), code: reason, text }), {
    status,
    headers,
  });
}

const REFUSED = { ...SAFE, "Content-Type": "application/json", Connection: "close" };
const REFUSED_FOR_NOW = { ...REFUSED, "Retry-After": "1" };

export function refused(status: Refused["status"], reason: Reason, text: string): Refused {
  return { status, reason, text };
}
