/** The mesh as a picture: nodes on a circle, the sessions between them as lines. */
import type { MemberStatus, MeshStatus } from "../../rendezvous/mesh_status.ts";

/** Where something is drawn; the picture is {@link WIDTH} × {@link HEIGHT}. */
interface Point {
  x: number;
  y: number;
}

export interface MapNode extends Point {
  node: string;
  /** `self`, or what is believed of it. */
  state: string;
  /** Peers there, if the mesh tells. */
  peers: number | undefined;
}

export interface MapLine {
  from: Point;
  to: Point;
  /** Milliseconds, of the own sessions. */
  rtt: number | undefined;
}

export const WIDTH = 640;
export const HEIGHT = 400;
const RADIUS = 140;

/** The own node comes first, at the top. Pure. */
export function layOut(mesh: MeshStatus): { nodes: MapNode[]; lines: MapLine[] } {
  const present = mesh.members.filter(({ state }) =>
    state === "alive" || state === "suspect" || state === "dead"
  );
  const sorted = present.sort((a, b) => a.node < b.node ? -1 : 1);
  const peers = new Map(mesh.presence.origins.map(({ origin, peers }) => [origin as string, peers]));
  const all = [
    { node: mesh.id as string, state: "self" },
    ...sorted.map(({ node, state }) => ({ node, state })),
  ];
  const nodes = all.map((one, i) => ({ ...one, ...place(i, all.length), peers: peers.get(one.node) }));
  const points = new Map(nodes.map((one) => [one.node, one]));
  const lines = mesh.edges.flatMap(([a, b]) => {
    const [from, to] = [points.get(a), points.get(b)];
    if (!from || !to) return [];
    return [{ from, to, rtt: rttOf(mesh, a === mesh.id ? b : b === mesh.id ? a : undefined) }];
  });
  return { nodes, lines };
}

function rttOf({ members }: MeshStatus, node: string | undefined): number | undefined {
  return members.find((member: MemberStatus) => member.node === node)?.session?.rtt ?? undefined;
}

function place(index: number, count: number): Point {
  const angle = (2 * Math.PI * index) / count - Math.PI / 2;
  const radius = count === 1 ? 0 : RADIUS;
  return { x: WIDTH / 2 + 1.4 * radius * Math.cos(angle), y: HEIGHT / 2 + radius * Math.sin(angle) };
}

export function drawMesh(mesh: MeshStatus): SVGSVGElement {
  const { nodes, lines } = layOut(mesh);
  const svg = element("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": said(nodes, lines),
  });
  for (const { from, to, rtt } of lines) {
    svg.append(element("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: "session" }));
    if (rtt === undefined) continue;
    const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    svg.append(element("text", { ...middle, dy: -5, class: "rtt" }, `${rtt.toFixed(1)} ms`));
  }
  for (const { x, y, node, state, peers } of nodes) {
    const group = element("g", { class: `node ${state}`, transform: `translate(${x} ${y})` });
    group.append(
      element("circle", { r: 30 }),
      element("text", { dy: peers === undefined ? 5 : 0 }, node.slice(0, 6)),
      ...(peers === undefined ? [] : [element("text", { dy: 15, class: "count" }, `${peers} peers`)]),
      element("text", { dy: 46, class: "state" }, state === "self" ? "this node" : state),
    );
    svg.append(group);
  }
  return svg as SVGSVGElement;
}

function said(nodes: MapNode[], lines: MapLine[]): string {
  const names = nodes.map(({ node, state }) => `${node.slice(0, 6)} ${state}`).join(", ");
  return `${nodes.length} nodes, ${lines.length} sessions between them: ${names}`;
}

function element(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}
