/**
 * The figures behind the choice of cipher and of X25519 in `src/link`. Run it on each
 * runtime: `node --import tsx test/bench/aead.ts`, `bun test/bench/aead.ts`,
 * `deno run -A test/bench/aead.ts`.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import type { Aead } from "../../src/link/aead.ts";
import { aesGcm as nativeAes } from "../../src/link/aes_gcm.ts";
import { nativeChaCha, nobleChaCha, ofChaCha } from "../../src/link/chacha.ts";
import { secureRandom } from "../../src/link/dh.ts";
import { nativeDh } from "../../src/link/native.ts";
import { type Dh, nobleDh } from "../../src/link/x25519.ts";

const AD = new Uint8Array(13);
const KEY: Uint8Array = secureRandom(32);

/** Microseconds for one run: the best of five rounds, since others use this machine too. */
function microseconds(run: () => void): number {
  const until = performance.now() + 60;
  let count = 0;
  for (; performance.now() < until; count++) run();
  const round = () => {
    const begin = performance.now();
    for (let index = 0; index < count / 2; index++) run();
    return (performance.now() - begin) * 1000 / (count / 2);
  };
  return Math.min(...Array.from({ length: 5 }, round));
}

type Row = { what: string } & Record<string, string | number>;

function rows(what: string, aead: Aead | undefined, sizes: number[]): Row[] {
  if (aead === undefined) return [{ what, "": "this runtime has none" }];
  const cipher = aead(KEY);
  const row = (verb: string, run: (plaintext: Uint8Array) => () => void): Row => ({
    what: `${what}, ${verb}`,
    ...Object.fromEntries(sizes.map((size) => [`${size} B`, rounded(microseconds(run(secureRandom(size))))])),
  });
  return [
    row("seal", (plaintext) => () => cipher.seal(1, AD, plaintext)),
    row("open", (plaintext) => {
      const sealed = cipher.seal(1, AD, plaintext);
      return () => cipher.open(1, AD, sealed);
    }),
    row("open, unaligned", (plaintext) => {
      const sealed = new Uint8Array(plaintext.length + 29).subarray(13);
      cipher.seal(1, AD, plaintext, sealed);
      return () => cipher.open(1, AD, sealed);
    }),
  ];
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** For comparison: waymeet never seals so. */
const nobleAes: Aead = (key) => ({
  seal: (_counter, ad, plaintext) => gcm(key, new Uint8Array(12), ad).encrypt(plaintext),
  open: (_counter, ad, sealed) => gcm(key, new Uint8Array(12), ad).decrypt(sealed),
  forget() {},
});

function x25519(what: string, dh: Dh | undefined): Row[] {
  if (dh === undefined) return [{ what, "": "this runtime has none" }];
  const theirs = dh.publicKey(secureRandom(32));
  return [{
    what: `${what} X25519`,
    "public key": rounded(microseconds(() => void dh.publicKey(KEY))),
    agree: rounded(microseconds(() => void dh.agree(KEY, theirs))),
  }];
}

const native = nativeChaCha();
const SIZES = [64, 1024, 16_384, 65_536 - 16];
console.log("µs for one operation");
console.table([
  ...rows("ChaCha native", native && ofChaCha(native), SIZES),
  ...rows("ChaCha noble", ofChaCha(nobleChaCha), SIZES),
  ...rows("AES-GCM native", nativeAes, SIZES),
  ...rows("AES-GCM noble", nobleAes, SIZES),
]);
console.table([...x25519("native", nativeDh(nobleDh)), ...x25519("noble", nobleDh)]);
