/** What a node that NATS joins shows of its network. */
import type { Claim } from "../mesh/claim.ts";
import type { Presence } from "../mesh/presence.ts";
import type { MeshCounts } from "./mesh_options.ts";
import { countedRefusals, type FabricStatus, type MeshStatus } from "./mesh_status.ts";
import type { NatsLine } from "./nats_line.ts";
import type { NatsNodes } from "./nats_nodes.ts";
import type { NatsPort } from "./nats_port.ts";
import type { NatsQuestions } from "./nats_questions.ts";

export interface NatsStatusSource {
  claim: Claim;
  nodes: NatsNodes;
  presence: Presence;
  counts: MeshCounts;
  line: NatsLine;
  port: NatsPort;
  questions: NatsQuestions;
  now: number;
}

export function natsStatus(source: NatsStatusSource): MeshStatus {
  const { claim, nodes, presence, counts } = source;
  const { framesIn, framesOut, bytesOut } = counts;
  return {
    id: claim.node,
    epoch: claim.epoch,
    members: Array.from(nodes, ({ remote, doubted, epoch, urls }) => ({
      ...{ node: remote, epoch, urls, state: doubted ? "suspect" : "alive" },
      route: { hop: remote, hops: 1 },
    })),
    edges: [],
    presence: { peers: presence.count, origins: presence.origins() },
    forwarded: { framesIn, framesOut, bytesOut },
    discovery: { places: {} },
    fabric: fabricStatus(source),
    refusals: countedRefusals(counts, presence, {}),
  };
}

function fabricStatus({ line, port: { state }, questions }: NatsStatusSource): FabricStatus {
  const { pending, messagesIn, messagesOut, bytesIn, bytesOut, drops } = line;
  return {
    kind: "nats",
    connected: state.connected,
    server: state.server ?? null,
    problem: state.problem ?? null,
    reconnections: state.reconnections,
    ...{ pending, messagesIn, messagesOut, bytesIn, bytesOut },
    questions: questions.asked,
    answers: questions.answered,
    drops: Object.fromEntries(drops),
  };
}
