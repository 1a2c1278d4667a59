import type { NodeLimits } from "./node_limits.ts";

/** What `/v1/info` shows. */
export interface NodeInfo {
  id: string;
  network: string;
  version: string;
  protocol: string;
  features: string[];
  access: string;
  limits: NodeLimits;
  /** Seconds. */
  uptime?: number;
  sessions?: number;
}
