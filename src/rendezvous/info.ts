import { SUBPROTOCOL } from "../wire/protocol.ts";
import { VERSION_TEXT } from "../wire/version.ts";
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

/** What is told of a node; uptime (given in milliseconds) and sessions only with `numbers`. */
export function nodeInfo(node: {
  id: string;
  network: string;
  access: string;
  limits: NodeLimits;
  uptime: number;
  sessions: number;
  numbers: boolean;
}): NodeInfo {
  const { id, network, access, limits, sessions } = node;
  return {
    id,
    network,
    version: VERSION_TEXT,
    protocol: SUBPROTOCOL,
    features: [],
    access,
    limits: { ...limits },
    ...node.numbers ? { uptime: Math.floor(node.uptime / 1000), sessions } : {},
  };
}
