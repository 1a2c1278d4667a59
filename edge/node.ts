/**
 * A node on Node.js.
 *
 * @module
 */
import { type RunningNode, type ServeOptions, startNode } from "../src/rendezvous/serve.ts";
import { listenOnNode } from "./node_listener.ts";
import { memory } from "./memory.ts";
import { resolve } from "./resolver.ts";
import { bindUdp } from "./udp.ts";
import { connect } from "./ws_dialer.ts";

export * from "../src/rendezvous/embed.ts";
export { CertificateFiles } from "./certificate_files.ts";
export { meshMemoryFile } from "./mesh_memory_file.ts";
export { connectNats } from "./nats.ts";
export type { NatsOptions } from "./nats_servers.ts";
export { exportTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export { answerUpgrades } from "./node_listener.ts";

/**
 * Starts a node. See `ServeOptions` for the defaults.
 *
 * @example
 * ```ts
 * await using node = await serve({ port: 0 });
 * console.log(node.url, node.id);
 * ```
 */
export function serve(options: ServeOptions = {}): Promise<RunningNode> {
  return startNode({ connect, resolve, memory, ...options }, listenOnNode, bindUdp);
}
