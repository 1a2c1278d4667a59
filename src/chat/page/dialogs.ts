/** What opens above the page: one's own id, adding somebody, words to compare, the identities of this browser. */
import { generate } from "lean-qr";
import type { BrowserIdentity } from "../../identity/browser_keys.ts";
import { type PeerId, peerIdBytes } from "../../identity/peer_id.ts";
import { pairWords } from "../../identity/words.ts";
import type { LinkPath } from "../../link/link.ts";
import { type Child, h } from "../../page/element.ts";
import { brief } from "./view_model.ts";

/** Opens a dialog that Escape and its button close; it is gone afterwards. */
export function dialog(title: string, ...content: Child[]): HTMLDialogElement {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const box = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    ...content,
    h("form", { method: "dialog", class: "closing" }, h("button", { class: "quiet" }, "Close")),
  );
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** One's own id, as text, as a picture, and as a link that opens this page with the id filled in. */
export function showMe(
  own: PeerId,
  name: string,
  rename: (name: string) => Promise<void>,
  others: () => void,
): void {
  const link = `${location.origin}${location.pathname}#add=${own}`;
  const copied = h("span", { role: "status", class: "copied" });
  const copy = async () => {
    await navigator.clipboard.writeText(own);
    copied.textContent = "copied";
  };
  const field = h("input", {
    id: "my-name",
    value: name,
    maxLength: 64,
    autocomplete: "off",
    required: true,
  });
  dialog(
    "This is you",
    form(
      async () => await rename(field.value),
      h("label", { htmlFor: "my-name" }, "Your name, as others see it"),
      h("div", { class: "inline" }, field, h("button", {}, "Save")),
    ),
    h("p", {}, "Your id is your key. Give it to somebody, and they can ask you to be a contact."),
    h("code", { class: "whole-id", id: "whole-id" }, own),
    h("p", {}, h("button", { class: "primary", type: "button", onclick: copy }, "Copy id"), " ", copied),
    qrCode(link),
    h(
      "p",
      {},
      h("button", { class: "quiet", type: "button", onclick: others }, "Other identities in this browser"),
    ),
  );
}

/** @param ask rejects with words for the person. */
export function showAdd(id: string, ask: (id: string, note: string) => Promise<void>): void {
  const field = h("input", {
    id: "their-id",
    value: id,
    autocomplete: "off",
    spellcheck: false,
    required: true,
  });
  const note = h("input", { id: "note", maxLength: 280, autocomplete: "off" });
  const box = dialog(
    "Ask somebody to be a contact",
    form(
      async () => {
        await ask(field.value, note.value);
        box.close();
      },
      h("label", { htmlFor: "their-id" }, "Their id, 52 letters"),
      field,
      h("label", { htmlFor: "note" }, "A word to them (they see it before they decide)"),
      note,
      h("p", {}, h("button", { class: "primary" }, "Ask")),
    ),
  );
  field.focus();
}

export function showGroup(join: (name: string) => Promise<void>): void {
  const field = h("input", { id: "group-name", maxLength: 64, autocomplete: "off", required: true });
  const box = dialog(
    "Join a group",
    form(
      async () => {
        await join(field.value);
        box.close();
      },
      h("label", { htmlFor: "group-name" }, "Its name"),
      field,
      h("p", {}, "Who knows or guesses the name can join and see who is there."),
      h("p", {}, h("button", { class: "primary" }, "Join")),
    ),
  );
  field.focus();
}

/** Who is in a group now; whom one does not know yet one may ask. */
export function showMembers(
  group: string,
  members: { peer: PeerId; name: string; own: boolean; known: boolean }[],
  ask: (peer: PeerId) => Promise<void>,
  leave: () => Promise<void>,
): void {
  const box = dialog(
    `In ${group} now`,
    h(
      "ul",
      { class: "members" },
      ...members.map(({ peer, name, own, known }) =>
        h(
          "li",
          {},
          h("strong", {}, name || brief(peer)),
          h("span", { class: "id" }, own ? "you" : brief(peer)),
          !own && !known && h("button", {
            type: "button",
            "aria-label": `Ask ${name || brief(peer)} to be a contact`,
            onclick: async () => {
              await ask(peer);
              box.close();
            },
          }, "Ask"),
        )
      ),
    ),
    h("p", {}, "Who knows the name can come in, and sees who is here."),
    h("button", {
      class: "quiet",
      type: "button",
      onclick: async () => {
        await leave();
        box.close();
      },
    }, "Leave this group"),
  );
}

/** How a link's packets travel, and why so. */
export function showPath(name: string, { kind, why, rtt }: LinkPath): void {
  dialog(
    `Between you and ${name}`,
    h("p", {}, PATHS[kind]),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Why"),
      h("dd", {}, why),
      h("dt", {}, "There and back"),
      h("dd", {}, rtt === undefined ? "not measured yet" : `${rtt.toFixed(1)} ms`),
    ),
  );
}

const PATHS: Record<LinkPath["kind"], string> = {
  relay: "Messages go through a node, sealed: it can neither read nor change them.",
  direct: "Messages go straight from your browser to the other side's program.",
  local: "Both are in this browser: messages never leave it.",
};

/** Words that are equal on both screens when nobody stands between. */
export function showWords(own: PeerId, peer: PeerId, name: string): void {
  const words = pairWords(peerIdBytes(own), peerIdBytes(peer));
  dialog(
    `Is it really ${name}?`,
    h(
      "p",
      {},
      "Read these words to each other, in person or on the phone. They are the same on both sides, or somebody is in between.",
    ),
    h("ol", { class: "words" }, ...words.map((word) => h("li", {}, word))),
    h("p", {}, "Their id:"),
    h("code", { class: "whole-id" }, peer),
  );
}

/** The identities of this browser: choose one, or make one. `undefined` as `current`: nothing else can be done. */
export function showIdentities(
  known: BrowserIdentity[],
  current: PeerId | undefined,
  choose: (name: string) => Promise<void>,
): void {
  const field = h("input", { id: "new-name", maxLength: 64, autocomplete: "nickname", required: true });
  const box = dialog(
    known.length === 0 ? "Welcome" : "Who are you?",
    known.length === 0 && h(
      "p",
      {},
      "Programs and people meet here by key. Choose a name; your browser makes a key and keeps it where no page can read it.",
    ),
    h(
      "ul",
      { class: "identities" },
      ...known.map(({ name, id }) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              "aria-current": id === current ? "true" : undefined,
              onclick: () => void choose(name),
            },
            h("strong", {}, name),
            h("span", { class: "id" }, brief(id)),
          ),
        )
      ),
    ),
    form(
      async () => await choose(field.value.trim()),
      h("label", { htmlFor: "new-name" }, known.length === 0 ? "Your name" : "A new identity: its name"),
      h("div", { class: "inline" }, field, h("button", { class: "primary" }, "Make a key")),
    ),
  );
  if (current === undefined) {
    box.addEventListener("cancel", (event) => event.preventDefault());
    box.querySelector(".closing")?.remove();
  }
  field.focus();
}

/** A form that shows what went wrong, in words, where the person looks. */
function form(submit: () => Promise<void>, ...content: Child[]): HTMLFormElement {
  const error = h("p", { class: "error", role: "alert" });
  const element = h("form", {}, ...content, error);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    error.textContent = "";
    submit().catch((reason: Error) => error.textContent = reason.message);
  });
  return element;
}

function qrCode(text: string): HTMLCanvasElement {
  const canvas = h("canvas", { class: "qr", role: "img", "aria-label": "Your id as a QR code" });
  generate(text).toCanvas(canvas, { on: [0, 0, 0, 255], off: [255, 255, 255, 255] });
  return canvas;
}
