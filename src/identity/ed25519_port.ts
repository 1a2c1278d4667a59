/** What every implementation of ed25519 (RFC 8032) offers: the port behind `ed25519.ts`. */
type Maybe<T> = T | Promise<T>;

/** One implementation. Lengths are right when these functions are called; they MAY throw. */
export interface Ed25519 {
  readonly name: string;
  importSeed(seed: Uint8Array): Maybe<SigningKey>;
  importPublicKey(key: Uint8Array): Maybe<Verifier>;
}
export interface SigningKey {
  publicKey: Uint8Array;
  sign(bytes: Uint8Array): Maybe<Uint8Array>;
}
export type Verifier = (bytes: Uint8Array, signature: Uint8Array) => Maybe<boolean>;
