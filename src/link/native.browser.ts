import type { nativeAead as aead, nativeDh as dh } from "./native.ts";

/** A browser has no cipher that answers at once: see `native.ts`. */
export const nativeAead: typeof aead = () => undefined;
/** Nor an X25519. */
export const nativeDh: typeof dh = () => undefined;
