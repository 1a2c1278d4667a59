/**
 * What becomes of a message that arrived: decided from the store, written to the store.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { ChatMessage } from "./chat_message.ts";
import type { ChatStore } from "./store.ts";
import type { Body, Contact } from "./types.ts";

/**
 * `stored`: tell the sender ✓. `refused`: tell it why not, and keep nothing. `expect`: a file,
 * stored once its content has come.
 */
export type Arrival = { kind: "stored" } | { kind: "refused"; reason: string } | { kind: "expect" };

/** Strangers whose request may wait for an answer. */
const MAX_ASKING = 100;
const STORED: Arrival = { kind: "stored" };

export class Arrivals {
  readonly #own: PeerId;
  readonly #store: ChatStore;
  readonly #wall: () => number;
  /** Whether this side is in the group of that name. Who names it could join it. */
  readonly #isIn: (group: string) => boolean;

  constructor(
    own: PeerId,
    store: ChatStore,
    wall: () => number,
    isIn: (group: string) => boolean,
  ) {
    this.#own = own;
    this.#store = store;
    this.#wall = wall;
    this.#isIn = isIn;
  }

  /** Resolves once what there is to keep is durable. */
  async take(from: PeerId, id: string, message: ChatMessage): Promise<Arrival> {
    const { body } = message;
    const contact = await this.#store.contact(from);
    switch (body.kind) {
      case "ask":
        return await this.#asked(from, message, body.note, contact);
      case "answer":
        return await this.#answered(message, body.accepted, contact);
      case "refused":
        await this.#store.settle(body.id, this.#own, { peer: from, status: "failed", reason: body.reason });
        return STORED;
      case "text":
      case "file":
        return await this.#said(from, id, message, body, contact);
    }
  }

  /** Keeps the entry of a message; again is once. */
  async keep(from: PeerId, id: string, { at, group, body, name }: ChatMessage): Promise<void> {
    const room = group === "" ? from : `#${group}`;
    // A clock that runs ahead must not keep its messages at the end for ever.
    const time = Math.min(at, this.#wall());
    const author = group === "" ? undefined : name;
    await this.#store.add({ id, room, from, author, at: time, body: body as Body, to: [], seen: false });
  }

  async #asked(from: PeerId, { name }: ChatMessage, note: string, known?: Contact): Promise<Arrival> {
    if (known?.state === "refused") return STORED; // once is an answer for good
    if (!known && await this.#isCrowded()) return { kind: "refused", reason: "too many ask at once" };
    const changed = this.#wall();
    // Both asked, or agreed before: that is an agreement.
    const agreed = known?.state === "accepted" || known?.state === "asked";
    const state = agreed ? "accepted" : "asking";
    await this.#store.putContact({ peer: from, name, state, note: agreed ? known.note : note, changed });
    return STORED;
  }

  /** Strangers make keys for nothing: without a bound they would fill the store. */
  async #isCrowded(): Promise<boolean> {
    const contacts = await this.#store.contacts();
    return contacts.filter(({ state }) => state === "asking").length >= MAX_ASKING;
  }

  async #answered({ name }: ChatMessage, accepted: boolean, known?: Contact): Promise<Arrival> {
    if (known?.state === "asked") {
      const state = accepted ? "accepted" : "declined";
      await this.#store.putContact({ ...known, name, state, changed: this.#wall() });
    }
    return STORED;
  }

  async #said(
    from: PeerId,
    id: string,
    message: ChatMessage,
    body: Body,
    known: Contact | undefined,
  ): Promise<Arrival> {
    const { group, name } = message;
    const welcome = group === "" ? known?.state === "accepted" : this.#isIn(group);
    if (!welcome) {
      return {
        kind: "refused",
        reason: group === "" ? "you are no contact of theirs" : "they are not in this group",
      };
    }
    if (known && name !== "" && known.name !== name) await this.#store.putContact({ ...known, name });
    if (body.kind === "file" && !await this.#store.file(from, id)) return { kind: "expect" };
    await this.keep(from, id, message);
    return STORED;
  }
}
