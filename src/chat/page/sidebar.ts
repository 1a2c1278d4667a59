/** The left side: who one is, who asks, and with whom one talks. */
import type { Contact } from "../types.ts";
import { byId } from "../../page/by_id.ts";
import type { Fields } from "../../page/element.ts";
import { fill, h } from "../../page/element.ts";
import { List } from "../../page/list.ts";
import { brief, type RoomLine, type View } from "./view_model.ts";

export interface SidebarPort {
  open(room: string): void;
  answer(contact: Contact, accepted: boolean): void;
  /** Opens a dialog. */
  show(what: "me" | "add" | "group"): void;
}

export class Sidebar {
  readonly #port: SidebarPort;
  readonly #me: HTMLElement = byId("me");
  readonly #requestsPart: HTMLElement = byId("requests-part");
  readonly #badge: HTMLElement = byId("requests-badge");
  readonly #requests: List<Contact>;
  readonly #rooms: List<RoomLine & { open: boolean }>;

  constructor(port: SidebarPort) {
    this.#port = port;
    this.#requests = new List(byId("requests"), ({ peer }) => peer, (contact) => this.#request(contact));
    this.#rooms = new List(byId("rooms"), ({ room }) => room, (line) => this.#room(line));
    byId("add").addEventListener("click", () => port.show("add"));
    byId("new-group").addEventListener("click", () => port.show("group"));
  }

  show({ name, own, session, note, requests, rooms, open }: View): void {
    fill(
      this.#me,
      h(
        "button",
        { class: "me", type: "button", onclick: () => this.#port.show("me"), "aria-haspopup": "dialog" },
        h("span", { class: "name" }, name),
        h("span", { class: "id" }, brief(own)),
      ),
      h("p", { class: `session ${session}`, role: "status", title: note }, SESSION[session]),
    );
    this.#requestsPart.hidden = requests.length === 0;
    this.#badge.textContent = String(requests.length);
    this.#requests.show(requests);
    this.#rooms.show(rooms.map((line) => ({ ...line, open: line.room === open?.line.room })));
  }

  #request(contact: Contact): HTMLElement {
    const name = contact.name || brief(contact.peer);
    return h(
      "li",
      { class: "request" },
      h("p", {}, h("strong", {}, name), h("span", { class: "id" }, brief(contact.peer))),
      contact.note !== "" && h("p", { class: "note" }, contact.note),
      h(
        "div",
        { class: "choices" },
        button(
          "Accept",
          { class: "primary", "aria-label": `Accept ${name}` },
          () => this.#port.answer(contact, true),
        ),
        button("Decline", { "aria-label": `Decline ${name}` }, () => this.#port.answer(contact, false)),
      ),
    );
  }

  #room(line: RoomLine & { open: boolean }): HTMLElement {
    return h(
      "li",
      {},
      h(
        "button",
        {
          class: "room",
          type: "button",
          "aria-current": line.open ? "true" : undefined,
          onclick: () => this.#port.open(line.room),
        },
        h("span", { class: `dot ${line.state === "group" ? "group" : line.online ? "online" : "away"}` }),
        h("span", { class: "title" }, line.state === "group" ? `# ${line.title}` : line.title),
        h("span", { class: "state" }, stateOf(line)),
        line.unseen > 0 &&
          h("span", { class: "badge", "aria-label": `${line.unseen} new` }, line.unseen),
      ),
    );
  }
}

const SESSION: Record<View["session"], string> = {
  connecting: "looking for a node …",
  connected: "connected",
  disconnected: "no node: what you write waits",
  stopped: "stopped",
  waiting: "another tab holds the session",
};

function stateOf({ state, online, members }: RoomLine): string {
  if (state === "group") return `${members} here`;
  if (state === "asked") return "asked";
  if (state === "declined") return "declined";
  return online ? "online" : "away";
}

function button(text: string, fields: Fields, onclick: () => void): HTMLButtonElement {
  return h("button", { type: "button", ...fields, onclick }, text);
}
