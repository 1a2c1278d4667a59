/**
 * What a program sees that runs a node of its own, beside `serve` and what its runtime adds.
 *
 * @module
 */
export { type Access, type Applicant, type Ask, issueToken, type Quotas, type TokenGrant } from "./access.ts";
export { askUrl } from "./access_callback.ts";
export type { Admission } from "./admission.ts";
export type { BanStore } from "./ban_file.ts";
export type { Ban } from "./bans.ts";
export type { Controls } from "./controls.ts";
export type { NodeApp, NodeBindings, Upgrade } from "./app.ts";
export type { Certificate, Certificates } from "./certificates.ts";
export {
  NodeEvent,
  type NodeEventDetail,
  type NodeEventTarget,
  type NodeEventType,
  type NodeListener,
} from "./events.ts";
export type { NodeInfo } from "./info.ts";
export { natsFabric, type NatsFabricOptions } from "./nats_fabric.ts";
export type { NatsPort } from "./nats_port.ts";
export type { MeshOptions } from "./mesh_options.ts";
export type { FabricStatus, MemberStatus, MeshStatus } from "./mesh_status.ts";
export { DEFAULT_LIMITS, type NodeLimits } from "./node_limits.ts";
export { type NodeOptions, RendezvousNode } from "./node.ts";
export { type ClientAddress, clientAddress, type TrustedProxies } from "./proxies.ts";
export type { Answerer, RunningNode, ServeOptions } from "./serve.ts";
