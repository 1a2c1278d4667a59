/** The right side: one conversation, and where the next message is written. */
import type { PeerId } from "../../identity/peer_id.ts";
import { type Entry, type FileNote, statusOf } from "../types.ts";
import { fill, h } from "../../page/element.ts";
import { List } from "../../page/list.ts";
import { byId } from "../../page/by_id.ts";
import { brief, type OpenRoom } from "./view_model.ts";
import { bytesWords, dayWords, pathWords, statusWords, timeWords } from "./wording.ts";

export interface ConversationPort {
  say(text: string): Promise<void>;
  sendFiles(files: FileList): void;
  retry(entry: Entry): void;
  giveUp(entry: Entry): void;
  save(entry: Entry, file: FileNote): void;
  earlier(): void;
  /** Back to the list, on a phone. */
  leave(): void;
  words(peer: PeerId): void;
  /** Tells how packets travel. */
  path(): void;
  /** Tells who is in the group. */
  members(): void;
}

/** An entry with what its row shows beside it. */
interface Row {
  entry: Entry;
  /** The first of its day. */
  day: string | undefined;
  author: string | undefined;
  /** Bytes that have come or left, of a file under way. */
  progress: number | undefined;
}

export class Conversation {
  readonly #port: ConversationPort;
  readonly #part: HTMLElement = byId("conversation");
  readonly #empty: HTMLElement = byId("nothing-open");
  readonly #head: HTMLElement = byId("room-head");
  readonly #scroll: HTMLElement = byId("entries-scroll");
  readonly #earlier: HTMLElement = byId("earlier");
  readonly #form: HTMLFormElement = byId("composer");
  readonly #text: HTMLTextAreaElement = byId("text");
  readonly #rows: List<Row>;
  #room = "";

  constructor(port: ConversationPort) {
    this.#port = port;
    this.#rows = new List(
      byId("entries"),
      ({ entry }) => `${entry.from}/${entry.id}`,
      (row) => this.#row(row),
    );
    this.#earlier.addEventListener("click", () => port.earlier());
    this.#composer();
    this.#drops();
  }

  show(open: OpenRoom | undefined): void {
    document.body.classList.toggle("reading", open !== undefined);
    this.#part.hidden = open === undefined;
    this.#empty.hidden = open !== undefined;
    if (!open) return void (this.#room = "");
    const below = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight;
    const fresh = open.line.room !== this.#room;
    this.#room = open.line.room;
    this.#showHead(open);
    this.#earlier.hidden = !open.more;
    this.#rows.show(rows(open));
    // Who reads what was said before is not torn away from it.
    if (fresh || below < NEAR) this.#scroll.scrollTop = this.#scroll.scrollHeight;
    if (fresh && matchMedia("(min-width: 48rem)").matches) this.#text.focus();
  }

  #showHead({ line, sight }: OpenRoom): void {
    const { peer } = line;
    fill(
      this.#head,
      h("button", {
        class: "back",
        type: "button",
        "aria-label": "Back to the list",
        onclick: () => this.#port.leave(),
      }, "‹"),
      h("h2", { id: "room-title" }, line.state === "group" ? `# ${line.title}` : line.title),
      line.state === "group"
        ? h(
          "button",
          { class: "presence quiet", type: "button", onclick: () => this.#port.members() },
          presence(line),
        )
        : h("span", { class: `presence ${line.online ? "online" : "away"}` }, presence(line)),
      sight?.path && h(
        "button",
        {
          class: `path ${sight.path.kind}`,
          type: "button",
          title: sight.path.why,
          onclick: () => this.#port.path(),
        },
        pathWords(sight.path),
      ),
      peer &&
        h(
          "button",
          { class: "quiet", type: "button", onclick: () => this.#port.words(peer) },
          "Safety words",
        ),
    );
  }

  #row({ entry, day, author, progress }: Row): HTMLElement {
    const status = statusWords(entry);
    const own = statusOf(entry) !== "received";
    return h(
      "li",
      { class: own ? "own" : "theirs", "data-status": statusOf(entry), "data-id": entry.id },
      day !== undefined && h("p", { class: "day" }, day),
      h(
        "div",
        { class: "bubble" },
        author !== undefined && h("p", { class: "author" }, author),
        entry.body.kind === "text" && h("p", { class: "text" }, entry.body.text),
        entry.body.kind === "file" && this.#file(entry, entry.body.file, progress),
        h(
          "p",
          { class: "meta" },
          h("time", { dateTime: new Date(entry.at).toISOString() }, timeWords(entry.at)),
          status &&
            h(
              "span",
              { class: "status", title: status.text },
              h("span", { "aria-hidden": "true" }, status.glyph),
              h("span", { class: statusOf(entry) === "failed" ? "" : "heard" }, ` ${status.text}`),
            ),
        ),
      ),
      statusOf(entry) === "failed" &&
        h(
          "button",
          { class: "retry quiet", type: "button", onclick: () => this.#port.retry(entry) },
          "Send again",
        ),
      statusOf(entry) === "queued" &&
        h(
          "button",
          { class: "give-up quiet", type: "button", onclick: () => this.#port.giveUp(entry) },
          "Give up",
        ),
    );
  }

  #file(entry: Entry, file: FileNote, progress: number | undefined): HTMLElement {
    const status = statusOf(entry);
    const whole = status === "received" || status === "delivered" || progress === undefined;
    return h(
      "div",
      { class: "file" },
      h("button", { class: "name", type: "button", onclick: () => this.#port.save(entry, file) }, file.name),
      h("span", { class: "size" }, bytesWords(file.size)),
      !whole &&
        h("progress", { max: file.size, value: progress, "aria-label": `${file.name}: sent so far` }),
    );
  }

  #composer(): void {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#say();
    });
    const files = byId<HTMLInputElement>("files");
    byId("attach").addEventListener("click", () => files.click());
    files.addEventListener("change", () => {
      if (files.files) this.#port.sendFiles(files.files);
      files.value = "";
    });
  }

  /** The field is cleared once the message is in the store: a page that closes before keeps what was written. */
  async #say(): Promise<void> {
    const text = this.#text.value;
    if (text.trim() === "") return;
    await this.#port.say(text);
    if (this.#text.value === text) this.#text.value = "";
  }

  #drops(): void {
    const over = (on: boolean) => this.#part.classList.toggle("dropping", on);
    this.#part.addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    this.#part.addEventListener("dragleave", () => over(false));
    this.#part.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      if (event.dataTransfer) this.#port.sendFiles(event.dataTransfer.files);
    });
  }
}

/** Pixels from the end within which one is at the end. */
const NEAR = 80;

function rows({ entries, names, line, progress }: OpenRoom): Row[] {
  let last = "";
  return entries.map((entry) => {
    const day = dayWords(entry.at);
    const received = entry.to.length === 0;
    const author = received && line.state === "group"
      ? names[entry.from] || entry.author || brief(entry.from)
      : undefined;
    const row = { entry, day: day === last ? undefined : day, author, progress: progress[entry.id] };
    last = day;
    return row;
  });
}

function presence({ state, online, members }: OpenRoom["line"]): string {
  if (state === "group") return `${members} here`;
  if (state === "asked") return "has not answered yet";
  if (state === "declined") return "declined";
  return online ? "online" : "away";
}
