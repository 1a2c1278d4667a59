/**
 * Who vouches for whom. A node that this one has no session with becomes a member when a
 * living member and it state, both signed, that they have a session with each other:
 * nobody gets one without the network's token, or a place on the list. What a single
 * member says about others is not enough.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Members } from "./members.ts";
import { MAX_HEARSAY } from "./mesh_limits.ts";
import type { Routes, SignedEdges } from "./routes.ts";

export interface VouchingOptions {
  members: Members;
  routes: Routes;
}

export class Vouching {
  readonly #members: Members;
  readonly #routes: Routes;
  /** Of nodes known by hearsay, by their signature. */
  readonly #held = new Map<PeerId, SignedEdges>();

  constructor({ members, routes }: VouchingOptions) {
    this.#members = members;
    this.#routes = routes;
  }

  /** Whether a statement of this node is worth verifying, although it is no member. */
  awaits({ node, epoch, version }: Pick<SignedEdges, "node" | "epoch" | "version">): boolean {
    if (!this.#members.hearsay(node)) return false;
    const held = this.#held.get(node);
    return !held || epoch > held.epoch || (epoch === held.epoch && version > held.version);
  }

  /** Keeps a verified statement until somebody vouches for its node. */
  hold(statement: SignedEdges): void {
    if (!this.awaits(statement)) return;
    if (this.#held.size >= MAX_HEARSAY) this.#sweep();
    this.#held.set(statement.node, statement);
  }

  /**
   * The next statement whose node is vouched for: `Members.vouch` lists it, and the
   * statement goes the way of any other. Each may bring about the next.
   */
  next(): SignedEdges | undefined {
    for (const [node, statement] of this.#held) {
      const claim = this.#members.hearsay(node);
      if (!claim) this.#held.delete(node);
      else if (claim.epoch === statement.epoch && this.#isJoined(statement)) {
        this.#held.delete(node);
        return statement;
      }
    }
    return undefined;
  }

  #isJoined({ node, neighbours }: SignedEdges): boolean {
    return neighbours.some((other) =>
      this.#members.state(other) === "alive" && this.#routes.get(other)?.neighbours.includes(node) === true
    );
  }

  #sweep(): void {
    for (const node of this.#held.keys()) if (!this.#members.hearsay(node)) this.#held.delete(node);
  }
}
