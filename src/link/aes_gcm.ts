/**
 * AES-256-GCM (NIST SP 800-38D) as Noise numbers its nonces, where the runtime has it. Never in
 * JavaScript: that is slow, and its tables tell the time.
 *
 * @module
 */
import { type Aead, keyed, type RawAead } from "./aead.ts";
import { nativeAead, type NativeCrypto } from "./native.ts";

/** What {@link nativeAead} asks for. */
const EXPECTED = "943c4a3aeb8543785736a6963f61fcc5ae525cb918ee81b4667f95cf889b6634" +
  "fa9e0cb22ca98c8e71832c639107afd6";

/** The runtime's own, or `undefined` where it has none that works (browsers). */
export function nativeAesGcm(crypto?: NativeCrypto): RawAead | undefined {
  return nativeAead("aes-256-gcm", ofAesGcm, EXPECTED, crypto);
}

function ofAesGcm(raw: RawAead): Aead {
  return keyed(raw, false);
}

const native = nativeAesGcm();

/** This runtime's, as a cipher of Noise. */
export const aesGcm: Aead | undefined = native && ofAesGcm(native);
