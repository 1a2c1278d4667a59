import type { NodeLink } from "./node_link.ts";

/** Where a frame goes next. */
export interface Way {
  readonly link: NodeLink;
  /**
   * Hops that it may take from there: one more than are needed, for a peer that moved. A node that is
   * farther from its end sends it back, so that frames do not go in circles while nodes differ in what
   * they know of sessions (RFC 5286 calls a neighbour that is nearer downstream).
   */
  readonly hops: number;
}
