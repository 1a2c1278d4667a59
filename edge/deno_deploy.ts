/**
 * A node in an isolate of Deno Deploy. Isolates come and go and cannot be dialled one by one: each
 * is a node with a key of its own, and an outbound-only member of a mesh, through which the peers of
 * all isolates meet. No UDP, no files, no processes: an isolate has HTTP, WebSockets and Web Crypto.
 *
 * @module
 */
import {
  type Answerer,
  type Listener,
  type RunningNode,
  type ServeOptions,
  startNode,
} from "../src/rendezvous/serve.ts";
import type { Connect } from "../src/session/socket.ts";
import { connectWith, type WebSocketConstructor } from "../src/session/web_socket.ts";
import { upgrader } from "./deno_upgrade.ts";
import { type Environment, settings } from "./environment.ts";

export * from "../src/rendezvous/embed.ts";
export { upgrader } from "./deno_upgrade.ts";

declare const Deno: {
  readonly env: { toObject(): Record<string, string> };
  serve(
    options: { onListen(): void; onError(error: unknown): Response; signal: AbortSignal },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
  addSignalListener(signal: "SIGTERM", listener: () => void): void;
};

const connect: Connect = connectWith(WebSocket as unknown as WebSocketConstructor);

/**
 * Serves where the platform says, as its environment says: see {@link settings}. Leaves when the
 * platform sends SIGTERM.
 *
 * @throws {TypeError} naming the variable that is missing.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@waymeet/waymeet/deno-deploy";
 * await serve();
 * ```
 */
export async function serve(
  env: Environment = Deno.env.toObject(),
  more: ServeOptions = {},
): Promise<RunningNode> {
  const isolate = { connect, dashboard: false, stunPorts: false } as const;
  const node = await startNode({ ...isolate, ...settings(env), ...more }, listen);
  Deno.addSignalListener("SIGTERM", () => void node.stop());
  return node;
}

/** The platform chooses address and port. */
// deno-lint-ignore require-await -- what Deno throws has to reject
async function listen(_address: unknown, app: Answerer): Promise<Listener> {
  const abort = new AbortController();
  const onError = () => new Response("internal error\n", { status: 500 });
  const server = Deno.serve({ onListen() {}, onError, signal: abort.signal }, (request, { remoteAddr }) => {
    return app.fetch(request, { upgrade: upgrader(request), address: remoteAddr.hostname ?? "" });
  });
  const close = async () => {
    abort.abort();
    await server.finished;
  };
  return { port: server.addr.port, close };
}
