/** What a node shows of itself over HTTP, and to whom. */
import { decodeControl } from "../wire/frames.ts";
import type { Admission } from "./admission.ts";
import type { AppPort, Refused } from "./app.ts";
import type { Controls } from "./controls.ts";
import type { NodeInfo } from "./info.ts";
import type { MeshStatus } from "./mesh_status.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Assets } from "./pages.ts";
import type { Door } from "./doorstep.ts";

/** A node, as far as its pages ask. */
export interface Shown {
  readonly sessions: number;
  readonly draining: boolean;
  readonly limits: NodeLimits;
  readonly metrics: NodeMetrics;
  readonly controls: Controls;
  readonly door: Door;
  admit(claimed: string, address: string, origin?: string, sought?: readonly string[]): Admission | Refused;
  info(): NodeInfo;
  meshStatus(): MeshStatus | undefined;
  metricsText(): string;
}

export function appPort(
  node: Shown,
  { publicMetrics = false, chat }: { publicMetrics?: boolean; chat?: Assets },
): AppPort {
  return {
    turnstile: node.door.entrance.pass,
    admit: (...stranger) => node.admit(...stranger),
    order: (bytes) => {
      const frame = decodeControl(bytes);
      return frame?.kind === "ban" ? node.controls.orders.hear(frame) : Promise.resolve("this is no order");
    },
    info: () => node.info(),
    refused: (status) => node.metrics.requestRefused(status),
    mesh: () => publicMetrics ? node.meshStatus() ?? null : undefined,
    metrics: () => publicMetrics ? node.metricsText() : undefined,
    readiness: () => node.draining ? "draining" : node.sessions >= node.limits.sessions ? "full" : undefined,
    chat,
  };
}
