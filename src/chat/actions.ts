/**
 * What a person does in a chat. Each action is a change of the store and nothing else, so
 * it works in every tab, without a node, and survives a reload; the tab that holds the
 * session sees the change and carries it out.
 *
 * @module
 */
import { parsePeerId, type PeerId } from "../identity/peer_id.ts";
import { hex } from "../identity/hex.ts";
import { MAX_FILE, MAX_NAME, MAX_NOTE, MAX_TEXT } from "./chat_message.ts";
import type { ChatStore } from "./store.ts";
import type { Body, Entry, Recipient } from "./types.ts";

export class Actions {
  readonly own: PeerId;
  readonly #store: ChatStore;
  readonly #wall: () => number;

  /** `own`: whose chat it is; `wall`: the time, milliseconds since 1970. */
  constructor(own: PeerId, store: ChatStore, wall: () => number = Date.now) {
    this.own = own;
    this.#store = store;
    this.#wall = wall;
  }

  /** @throws {RangeError} when the name is empty or too long. */
  async rename(name: string): Promise<void> {
    await this.#store.setName(text(name, MAX_NAME, "a name"));
  }

  /**
   * Asks somebody to be a contact; who has asked us already becomes one at once.
   *
   * @throws {TypeError} when `id` is no PeerId, or one's own.
   */
  async ask(id: string, note: string = ""): Promise<void> {
    const peer = parsePeerId(id.trim());
    if (peer === this.own) {
      throw new TypeError("that is your own id: send it to somebody, and they can ask you");
    }
    const known = await this.#store.contact(peer);
    if (known?.state === "accepted") return;
    if (known?.state === "asking") return await this.answer(peer, true);
    const changed = this.#wall();
    const brief = note.slice(0, MAX_NOTE);
    await this.#store.putContact({ peer, name: known?.name ?? "", state: "asked", note: brief, changed });
    await this.#write(peer, { kind: "ask", note: brief }, [peer]);
  }

  /** Accepts or declines somebody who asked. */
  async answer(peer: PeerId, accepted: boolean): Promise<void> {
    const known = await this.#store.contact(peer);
    if (known?.state !== "asking") return; // answered in another tab
    const changed = this.#wall();
    await this.#store.putContact({ ...known, state: accepted ? "accepted" : "refused", changed });
    await this.#write(peer, { kind: "answer", accepted }, [peer]);
  }

  /**
   * Says something in a room to all of `to`: the contact, or those who are in the group now.
   *
   * @throws {RangeError} when the text is empty or too long.
   */
  async say(room: string, words: string, to: PeerId[]): Promise<void> {
    await this.#write(room, { kind: "text", text: text(words, MAX_TEXT, "a message") }, to);
  }

  /** @throws {RangeError} when the file is larger than {@link MAX_FILE}. */
  async sendFile(room: string, file: File, to: PeerId[]): Promise<void> {
    if (file.size > MAX_FILE) throw new RangeError(`${file.name} is larger than ${MAX_FILE / 2 ** 20} MiB`);
    const id = newId();
    // Its content first: an entry whose file is not there could not be sent after a reload.
    await this.#store.putFile(this.own, id, file);
    const note = { name: file.name.slice(0, 255), type: file.type.slice(0, 255), size: file.size };
    await this.#write(room, { kind: "file", file: note }, to, id);
  }

  /**
   * Joins a group: who is in it sees this person come, and the other way round.
   *
   * @throws {RangeError} when the name is empty or too long.
   */
  async join(name: string): Promise<void> {
    const group = text(name, MAX_NAME, "a group's name");
    const groups = await this.#store.groups();
    if (!groups.includes(group)) await this.#store.setGroups([...groups, group]);
  }

  /** What was said in it stays in the store. */
  async leaveGroup(name: string): Promise<void> {
    await this.#store.setGroups((await this.#store.groups()).filter((group) => group !== name));
  }

  /** Sends again what failed. */
  async retry({ id, from, to }: Entry): Promise<void> {
    for (const { peer } of to) {
      await this.#store.settle(id, from, { peer, status: "queued" }, ["queued", "sent"]);
    }
  }

  /** Gives up what has not been delivered. It may arrive all the same if it had left. */
  async giveUp(entry: Entry): Promise<void> {
    const { id, from, to } = entry;
    for (const { peer } of to) {
      await this.#store.settle(id, from, { peer, status: "failed", reason: "given up" }, ["failed"]);
    }
  }

  async #write(room: string, body: Body, to: PeerId[], id: string = newId()): Promise<void> {
    const recipients = to.map((peer): Recipient => ({ peer, status: "queued" }));
    await this.#store.add({ id, room, from: this.own, at: this.#wall(), body, to: recipients, seen: true });
  }
}

function newId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

function text(words: string, longest: number, what: string): string {
  const trimmed = words.trim();
  if (trimmed === "") throw new RangeError(`${what} has at least one character`);
  if (trimmed.length > longest) throw new RangeError(`${what} has at most ${longest} characters`);
  return trimmed;
}
