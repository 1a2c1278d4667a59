import { joinBytes } from "../wire/join_bytes.ts";
import { Reason } from "../wire/protocol.ts";
import type { Agreement } from "./agreement.ts";
import type { ConnectionEnd, Standing } from "./connection_events.ts";
import type { Conversation } from "./conversation.ts";
import type { Greeting, OpenedInit } from "./greeting.ts";
import { MAX_FIRST } from "./limits.ts";
import type { ResponsePacket } from "./packet.ts";

const NOTHING = new Uint8Array();

/** What handshakes need of the connection whose keys they make. */
export interface Core {
  readonly standing: Standing;
  readonly conversation: Conversation;
  /** Whether the conversation goes on under the keys there are, answered since that time. */
  goesOnSince(time: number): boolean;
  /** The other process proved that it is there; `answering`: by a greeting, which this one answers. */
  open(now: number, answering: boolean): void;
  receive(frames: Uint8Array, now: number): void;
  end(end: ConnectionEnd): void;
  askForRecord(now: number): void;
}

/** Greeting and being greeted: the first time, after a restart, and for new keys. */
export class Handshakes {
  readonly #core: Core;
  readonly #agreement: Agreement;

  constructor(agreement: Agreement, core: Core) {
    this.#agreement = agreement;
    this.#core = core;
  }

  get #hailing(): boolean {
    return this.#core.standing === "hailing";
  }

  begin(now: number): void {
    if (this.#core.standing === "closed") return;
    const continues = !this.#hailing;
    if (!continues) this.#core.conversation.sender.resend();
    this.#agreement.greet(continues, continues ? NOTHING : this.#firstFrames(now), now);
  }

  /** What travels within a handshake. */
  #firstFrames(now: number): Uint8Array {
    return joinBytes(this.#core.conversation.transmit(now, MAX_FIRST) ?? []);
  }

  /**
   * A greeting from the other side, verified and fresh. Returns the response packet, or
   * `undefined` when this side's own attempt goes before.
   */
  greeted(greeting: Greeting, init: OpenedInit, now: number): Uint8Array | undefined {
    switch (this.#agreement.judge(greeting, this.#hailing)) {
      case "ignore":
        return undefined;
      case "adopt": // nothing of ours was taken in under another name
        this.#agreement.adopt(greeting);
        this.#core.conversation.sender.resend();
        return this.#answer(greeting, init, now);
      case "renew":
        return this.#answer(greeting, init, now);
      case "decline":
        return this.#agreement.decline(init, "no such conversation here");
      case "consider":
        return this.#agreement.consider(greeting, init, now);
    }
  }

  /** Who greets about our conversation has opened our own greeting, or is the one we adopted it from. */
  #answer(greeting: Greeting, init: OpenedInit, now: number): Uint8Array {
    this.#agreement.dropAttempt();
    this.#core.open(now, true);
    this.#core.receive(greeting.frames, now);
    return this.#agreement.accept(init, this.#firstFrames(now), now);
  }

  /** Returns the time the responder stamped, when the packet answered this side's attempt. */
  takeResponse(packet: ResponsePacket, now: number): number | undefined {
    const answer = this.#agreement.takeResponse(packet, now);
    if (!answer) return undefined;
    const { reason, text, frames, time } = answer;
    if (reason !== Reason.none) this.#core.end({ reason, text, by: "remote" });
    else {
      this.#core.open(now, false);
      this.#core.receive(frames, now);
      this.#core.conversation.demandAck(now); // the first packet under the new keys proves us to the responder
    }
    return time;
  }

  /** The packet of our greeting, when it is due. */
  transmit(now: number): Uint8Array | undefined {
    this.#renewKeys(now);
    const worn = this.#agreement.attempt;
    if (worn?.wornOut && now >= worn.again) this.#giveUp(worn.made, now);
    const { attempt } = this.#agreement;
    if (!attempt || now < attempt.again) return undefined;
    const packet = attempt.packet(now);
    if (attempt.repeated && this.#hailing) this.#core.conversation.sender.repeated();
    return packet;
  }

  /** Who answered the last handshake waits longer (`REKEY_PATIENCE`), so that renewals do not cross every time. */
  #renewKeys(now: number): void {
    const { keyring, attempt } = this.#agreement;
    if (this.#core.standing !== "open" || attempt) return;
    if (keyring.sending === undefined || keyring.needsRekey(now)) this.begin(now);
  }

  /** Without new keys the old ones do, as long as they are answered; without any the greeting is made anew. */
  #giveUp(made: number, now: number): void {
    this.#agreement.dropAttempt();
    if (this.#core.goesOnSince(made)) return;
    this.begin(now);
    this.#core.askForRecord(now);
  }
}
