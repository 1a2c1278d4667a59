/**
 * The chat's page: chooses an identity, opens its store, takes part in the election of the
 * tab that holds the session, and shows what is there.
 *
 * @module
 */
import { ownTab } from "../../browser/tab_owner.ts";
import { browserIdentities, type BrowserIdentity, browserKeyStore } from "../../identity/browser_keys.ts";
import { loadOrCreate } from "../../identity/key_store.ts";
import { Peer } from "../../mod.ts";
import { Actions } from "../actions.ts";
import { openDatabase } from "../database.ts";
import { Engine } from "../engine.ts";
import { followLive, type Live, LiveSource, NOTHING_YET } from "../live.ts";
import type { ChatStore } from "../store.ts";
import type { Entry, FileNote } from "../types.ts";
import { Conversation } from "./conversation.ts";
import { showAdd, showGroup, showIdentities, showMe, showMembers, showPath, showWords } from "./dialogs.ts";
import { byId } from "../../page/by_id.ts";
import { Sidebar } from "./sidebar.ts";
import { look, type View } from "./view_model.ts";

/** Entries of a room shown at first, and more each time. */
const PAGE = 200;
/** Milliseconds between two looks: what changes with each of many messages is not drawn for each. */
const BREATH = 40;

/** The identity of this tab: three tabs may be three people. */
const CHOSEN = "waymeet-identity";

class ChatPage {
  readonly #store: ChatStore;
  readonly #actions: Actions;
  readonly #identity: BrowserIdentity;
  #live: Live = NOTHING_YET;
  #room: string | undefined;
  #limit = PAGE;
  #view: View | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  readonly #sidebar: Sidebar;
  readonly #conversation: Conversation;

  constructor(identity: BrowserIdentity, store: ChatStore) {
    this.#identity = identity;
    this.#store = store;
    this.#actions = new Actions(identity.id, store);
    this.#sidebar = new Sidebar({
      open: (room) => this.#open(room),
      answer: ({ peer }, accepted) => void this.#answer(peer, accepted),
      show: (what) => this.#show(what),
    });
    this.#conversation = new Conversation({
      say: (text) => this.#actions.say(this.#room!, text, this.#view?.open?.to ?? []),
      sendFiles: (files) => void this.#sendFiles(files),
      retry: (entry) => void this.#actions.retry(entry),
      giveUp: (entry) => void this.#actions.giveUp(entry),
      save: (entry, file) => void this.#save(entry, file),
      earlier: () => {
        this.#limit += PAGE;
        this.#look();
      },
      leave: () => this.#open(undefined),
      path: () => this.#showPath(),
      members: () => this.#showMembers(),
      words: (peer) => showWords(this.#identity.id, peer, this.#view?.open?.line.title ?? ""),
    });
  }

  async begin(): Promise<void> {
    if (await this.#store.name() === "") await this.#actions.rename(this.#identity.name);
    this.#store.watch(() => this.#look());
    addEventListener("hashchange", () => this.#invitation());
    addEventListener("focus", () => this.#see());
    followLive(this.#identity.id, (live) => this.#heard(live));
    this.#look();
    this.#invitation();
    await ownTab(`chat ${this.#identity.id}`, (signal) => this.#hold(signal));
  }

  /** This tab holds the session until it is closed. */
  async #hold(signal: AbortSignal): Promise<void> {
    const source = new LiveSource(this.#identity.id, (live) => this.#heard(live));
    const peer = await Peer.open({
      nodes: [nodeUrl()],
      key: browserKeyStore(this.#identity.name),
      network: document.documentElement.dataset.network || "default",
      offline: true,
      agent: "waymeet-chat/1",
    });
    source.change((live) => live.session = "connecting");
    peer.addEventListener("node", ({ state, url, text }) => {
      // One of two sessions may go while the other carries on.
      const session = state === "stopped" ? state : peer.node ? "connected" : "disconnected";
      source.change((live) =>
        Object.assign(live, { session, note: session === "connected" ? url : text ?? url })
      );
    });
    new Engine({ peer, store: this.#store, live: (edit) => source.change(edit) });
    addEventListener("pagehide", () => void peer.close());
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }

  #heard(live: Live): void {
    this.#live = live;
    this.#look();
  }

  /** Looks once more after a look under way, however often it is asked meanwhile. */
  #look(): void {
    this.#lookAgain = true;
    this.#looking ??= this.#lookUntilDone().finally(() => this.#looking = undefined);
  }

  async #lookUntilDone(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false;
      const view = await look(this.#identity.id, this.#store, this.#live, this.#room, this.#limit);
      this.#view = view;
      this.#sidebar.show(view);
      this.#conversation.show(view.open);
      this.#title(view);
      this.#see();
      // A hidden page's timers may wait for a minute, and its title must not.
      if (!document.hidden) await new Promise((resolve) => setTimeout(resolve, BREATH));
    }
  }

  #title({ rooms, requests, name }: View): void {
    const news = requests.length + rooms.reduce((sum, { unseen }) => sum + unseen, 0);
    document.title = `${news > 0 ? `(${news}) ` : ""}${name} · waymeet`;
  }

  /** What is on the screen of a person who looks has been seen. */
  #see(): void {
    const open = this.#view?.open;
    if (open && open.line.unseen > 0 && document.hasFocus()) void this.#store.see(open.line.room);
  }

  #open(room: string | undefined): void {
    this.#room = room;
    this.#limit = PAGE;
    this.#look();
  }

  async #answer(peer: Parameters<Actions["answer"]>[0], accepted: boolean): Promise<void> {
    await this.#actions.answer(peer, accepted);
    if (accepted) this.#open(peer);
  }

  async #sendFiles(files: FileList): Promise<void> {
    const to = this.#view?.open?.to ?? [];
    const room = this.#room!;
    for (const file of files) await this.#actions.sendFile(room, file, to).catch(say);
  }

  async #save({ from, id }: Entry, { name }: FileNote): Promise<void> {
    const content = await this.#store.file(from, id);
    if (!content) return say(new Error("this file is not here any more"));
    // Saved, never shown: what somebody sent must not run as a page of this origin.
    const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  #show(what: "me" | "add" | "group"): void {
    const { id } = this.#identity;
    if (what === "add") showAdd("", (other, note) => this.#ask(other, note));
    else if (what === "group") showGroup((name) => this.#join(name));
    else {
      showMe(id, this.#view?.name ?? "", (name) => this.#actions.rename(name), () => void chooseAnother(id));
    }
  }

  #showPath(): void {
    const open = this.#view?.open;
    if (open?.sight?.path) showPath(open.line.title, open.sight.path);
  }

  #showMembers(): void {
    const open = this.#view?.open;
    if (!open) return;
    const { id } = this.#identity;
    const group = open.line.title;
    const members = (this.#live.groups[group] ?? []).map((peer) => ({
      peer,
      name: peer === id ? this.#view!.name : open.names[peer] ?? "",
      own: peer === id,
      known: open.known.includes(peer),
    }));
    const leave = async () => {
      await this.#actions.leaveGroup(group);
      this.#open(undefined);
    };
    showMembers(group, members, (peer) => this.#ask(peer, `from the group ${group}`), leave);
  }

  async #ask(other: string, note: string): Promise<void> {
    await this.#actions.ask(other, note);
    this.#open(other.trim());
  }

  async #join(name: string): Promise<void> {
    await this.#actions.join(name);
    this.#open(`#${name.trim()}`);
  }

  /** `…/chat#add=ID`, as a QR code has it. */
  #invitation(): void {
    const id = /^#add=([a-z2-7]{52})$/.exec(location.hash)?.[1];
    if (id === undefined) return;
    history.replaceState(null, "", location.pathname + location.search);
    if (id !== this.#identity.id) showAdd(id, (other, note) => this.#ask(other, note));
  }
}

/** The node that served this page, or another one that `?node=` names. */
function nodeUrl(): string {
  const chosen = new URLSearchParams(location.search).get("node");
  if (chosen) return chosen;
  const here = new URL("..", location.href.replace(/\/?([?#].*)?$/, "/"));
  here.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return here.href;
}

async function identify(): Promise<BrowserIdentity> {
  const known = await browserIdentities();
  const chosen = sessionStorage.getItem(CHOSEN);
  const found = known.find(({ name }) => name === chosen) ?? (known.length === 1 ? known[0] : undefined);
  if (found) return found;
  return await new Promise((resolve) =>
    showIdentities(known, undefined, async (name) => {
      const made = await make(name);
      document.querySelector("dialog")?.close();
      resolve(made);
    })
  );
}

async function make(name: string): Promise<BrowserIdentity> {
  if (name === "") throw new RangeError("a name has at least one character");
  await loadOrCreate(browserKeyStore(name));
  sessionStorage.setItem(CHOSEN, name);
  return (await browserIdentities()).find((one) => one.name === name)!;
}

async function chooseAnother(current: BrowserIdentity["id"]): Promise<void> {
  document.querySelector("dialog")?.close();
  showIdentities(await browserIdentities(), current, async (name) => {
    await make(name);
    location.reload();
  });
}

/** Something went wrong that no form asked for. */
function say(error: Error): void {
  const place = byId("trouble");
  place.textContent = error.message;
  setTimeout(() => place.textContent = "", 8_000);
}

async function begin(): Promise<void> {
  const identity = await identify();
  sessionStorage.setItem(CHOSEN, identity.name);
  await new ChatPage(identity, await openDatabase(identity.id)).begin();
}

begin().catch(say);
