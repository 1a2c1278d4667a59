/**
 * The operator's dashboard: asks its node every two seconds and shows what it says.
 *
 * @module
 */
import { byId } from "../../page/by_id.ts";
import { type Child, fill, h } from "../../page/element.ts";
import { List } from "../../page/list.ts";
import type { ConsoleState, Ending } from "../../rendezvous/console.ts";
import type { Sample } from "../../rendezvous/history.ts";
import { drawMesh } from "./mesh_map.ts";
import { Plots } from "./plots.ts";
import { byLabel, readings } from "./prometheus.ts";
import { seriesOf } from "./series.ts";

/** Milliseconds between two questions. */
const GAP = 2_000;
/** Samples kept: half an hour. */
const KEPT = 900;
const TOKEN = "waymeet-dashboard-token";

class Dashboard {
  readonly #token: string;
  readonly #peers: List<string> = new List(byId("peers"), (peer) => peer, (peer) => this.#peer(peer));
  readonly #plots: Plots = new Plots(byId("sessions-plot"), byId("traffic-plot"));
  #samples: Sample[] = [];

  constructor(token: string) {
    this.#token = token;
    byId("drain").addEventListener("click", () => this.#askDrain());
  }

  async run(): Promise<void> {
    for (;;) {
      try {
        this.#show(await this.#ask());
        trouble("");
      } catch (error) {
        if (error instanceof Forbidden) throw error;
        trouble(`The node does not answer: what you see is old (${(error as Error).message}).`);
      }
      await new Promise((resolve) => setTimeout(resolve, GAP));
    }
  }

  async #ask(): Promise<ConsoleState> {
    const since = this.#samples.at(-1)?.at ?? 0;
    const response = await fetch(`v1/operator/state?since=${since}`, {
      headers: { Authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(5_000),
    });
    if (response.status === 401) throw new Forbidden("the node does not know this token");
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return await response.json() as ConsoleState;
  }

  async #order(act: string, body: Record<string, unknown> = {}): Promise<void> {
    const response = await fetch(`v1/operator/${act}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json() as { error?: string };
    if (answer.error !== undefined) trouble(answer.error);
  }

  #show(state: ConsoleState): void {
    this.#samples = [...this.#samples, ...state.history].slice(-KEPT);
    const series = seriesOf(this.#samples);
    this.#plots.show(series);
    const { info, mesh, metrics } = state;
    const all = readings(metrics);
    const one = (name: string) => all.find((reading) => reading.name === name)?.value ?? 0;
    fill(byId("who"), h("code", {}, info.id), ` · ${info.network} · waymeet ${info.version}`);
    byId("state").textContent = state.draining
      ? "draining: it takes nobody new"
      : `up for ${span(state.uptime)}`;
    fill(
      byId("tiles"),
      tile("Peers here", one("waymeet_sessions")),
      tile("Handshakes", one("waymeet_handshakes_pending")),
      tile("Frames/s", series.framesPerSecond.at(-1) ?? 0),
      tile("kB/s", 1_000 * (series.megabytesPerSecond.at(-1) ?? 0)),
      tile("Dropped/s", series.droppedPerSecond.at(-1) ?? 0),
      tile("Nodes", mesh ? 1 + mesh.members.filter((member) => member.state === "alive").length : 1),
    );
    fill(byId("map"), mesh ? drawMesh(mesh) : h("p", { class: "none" }, "This node stands alone."));
    const others = mesh !== null && mesh.members.length > 0;
    fill(byId("members"), others && members(mesh));
    byId("no-members").hidden = others;
    counts("drops", byLabel(all, "waymeet_frames_dropped_total", "reason"));
    counts("outcomes", byLabel(all, "waymeet_attempts_total", "outcome"));
    counts("ends", byLabel(all, "waymeet_session_ends_total", "reason"));
    counts("failures", byLabel(all, "waymeet_handshake_failures_total", "reason"));
    fill(byId("endings"), ...state.endings.slice(0, 30).map(ending));
    fill(byId("limits"), ...Object.entries(info.limits).map(([name, value]) => row(name, number(value))));
    this.#showPeers(state.peers);
  }

  #showPeers(peers: ConsoleState["peers"]): void {
    this.#peers.show(peers);
    byId("no-peers").hidden = peers.length > 0;
  }

  #peer(peer: string): HTMLElement {
    return h(
      "li",
      { "data-peer": peer },
      h("code", {}, peer),
      h("button", { type: "button", onclick: () => this.#askEnd("disconnect", peer) }, "Disconnect"),
      h("button", { type: "button", onclick: () => this.#askEnd("ban", peer) }, "Ban"),
    );
  }

  #askEnd(act: "disconnect" | "ban", peer: string): void {
    const reason = h("input", { id: "reason", maxLength: 200, autocomplete: "off" });
    const seconds = h("input", { id: "seconds", type: "number", min: "1", placeholder: "for good" });
    ask(
      act === "ban" ? "Ban a peer" : "Disconnect a peer",
      [
        h("p", {}, h("code", {}, peer)),
        act === "disconnect" && h("p", {}, "It may come back at once."),
        h("label", { htmlFor: "reason" }, "Reason; the peer is told"),
        reason,
        act === "ban" && h("label", { htmlFor: "seconds" }, "Seconds; empty: until it is lifted"),
        act === "ban" && seconds,
      ],
      act === "ban" ? "Ban" : "Disconnect",
      () =>
        this.#order(act, {
          peer,
          reason: reason.value || undefined,
          seconds: seconds.value ? Number(seconds.value) : undefined,
        }),
    );
  }

  #askDrain(): void {
    ask(
      "Drain this node",
      [h(
        "p",
        {},
        "Every peer is told to move to another node, and nobody new is taken until the node is restarted.",
      )],
      "Drain",
      () => this.#order("drain"),
    );
  }
}

class Forbidden extends Error {}

function ask(title: string, content: Child[], act: string, done: () => Promise<void>): void {
  const form = h(
    "form",
    { method: "dialog" },
    ...content,
    h(
      "p",
      { class: "choices" },
      h("button", { class: "primary", value: "yes" }, act),
      h("button", { value: "no", formNoValidate: true }, "Cancel"),
    ),
  );
  const box = h("dialog", { "aria-labelledby": "ask-title" }, h("h2", { id: "ask-title" }, title), form);
  box.addEventListener("close", () => {
    box.remove();
    if (box.returnValue === "yes") void done();
  });
  document.body.append(box);
  box.showModal();
}

function members({ members }: NonNullable<ConsoleState["mesh"]>): HTMLElement {
  const head = ["Node", "State", "RTT", "Route", "Session"].map((text) => h("th", { scope: "col" }, text));
  const rows = members.map(({ node, state, session, route }) =>
    h(
      "tr",
      { class: state },
      h("td", {}, h("code", { title: node }, node.slice(0, 12))),
      h("td", {}, state),
      h("td", {}, session?.rtt == null ? "–" : `${session.rtt.toFixed(1)} ms`),
      h(
        "td",
        {},
        route === undefined
          ? "–"
          : route.hops === 1
          ? "straight"
          : `${route.hops} hops by ${route.hop.slice(0, 6)}`,
      ),
      h("td", {}, session ? span(session.seconds) : "–"),
    )
  );
  return h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
}

function ending({ at, what, peer, reason, text, agent }: Ending): HTMLElement {
  return h(
    "tr",
    {},
    h("td", {}, new Date(at).toLocaleTimeString()),
    h("td", {}, h("code", { title: peer }, peer.slice(0, 8))),
    h("td", {}, what),
    h("td", {}, reason),
    h("td", { title: agent }, text),
  );
}

/** A list of counts, and the words for none. */
function counts(id: string, values: [string, number][]): void {
  fill(byId(id), ...values.map(([name, value]) => row(name, number(value))));
  byId(`no-${id}`).hidden = values.length > 0;
}

function row(name: string, value: string): HTMLElement {
  return h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, value));
}

function tile(name: string, value: number): HTMLElement {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, number(value)));
}

const SHORT = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, notation: "compact" });

function number(value: unknown): string {
  return typeof value === "number" ? SHORT.format(value) : String(value);
}

function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

function trouble(text: string): void {
  byId("trouble").textContent = text;
}

/** From the address, which is cleaned of it, or from before a reload. */
function givenToken(): string | null {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token !== undefined) {
    sessionStorage.setItem(TOKEN, token);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

async function begin(): Promise<void> {
  const token = givenToken();
  const entrance = byId<HTMLFormElement>("entrance");
  entrance.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, byId<HTMLInputElement>("token").value);
    location.reload();
  });
  try {
    if (token === null) throw new Forbidden("");
    byId("board").hidden = false;
    await new Dashboard(token).run();
  } catch (error) {
    byId("board").hidden = true;
    entrance.hidden = false;
    trouble((error as Error).message);
  }
}

void begin();
