/** The two shapes of bytes that the session's and the mesh's frames share. */

/** 32 bytes: an ed25519 public key. See `src/identity` for the text form. */
export type Key = Uint8Array;

/** Signed bytes travel as they were signed; nobody encodes them anew. */
export interface SignedBytes {
  body: Uint8Array;
  signature: Uint8Array;
}

/** A record as a node hands it on. */
export interface HeldBytes extends SignedBytes {
  /** Milliseconds for which it still holds; absent when the node does not say. */
  left?: number;
}
