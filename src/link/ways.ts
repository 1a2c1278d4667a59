/** What paths beside the relay can carry: nothing, a handshake's first packets, or everything. */
export type Beside = "nothing" | "greetings" | "all";

/**
 * What can carry packets to the other process: this side's node session, as long as no
 * node says that the peer left, and paths beside the relay.
 */
export class Ways {
  /** This side's node session is there. */
  relay = false;
  /** A node says that the peer has no session. */
  away = false;
  beside: Beside = "nothing";

  /** Whether the conversation can be carried. */
  get reachable(): boolean {
    return this.beside === "all" || this.#relayed;
  }

  /** Whether a handshake can. */
  get greetable(): boolean {
    return this.beside !== "nothing" || this.#relayed;
  }

  /** Whether this side could hear the other. */
  get listening(): boolean {
    return this.relay || this.beside === "all";
  }

  get #relayed(): boolean {
    return this.relay && !this.away;
  }
}
