/**
 * The figures behind the choice of cipher and of X25519 in `src/link`. Run it on each
 * runtime: `node --import tsx test/bench/aead.ts`, `bun test/bench/aead.ts`,
 * `deno run -A test/bench/aead.ts`.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import { type Aead, nativeAead, nobleAead } from "../../src/link/aead.ts";
import { type Dh, nativeDh, nobleDh, secureRandom } from "../../src/link/dh.ts";
import { nativeCrypto } from "../../src/link/native.ts";

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

function chacha(what: string, aead: Aead | undefined, sizes: number[]): Row[] {
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

function aesGcm(sizes: number[]): Row[] {
  const nonce = new Uint8Array(12);
  const pure = (plaintext: Uint8Array) => gcm(KEY, nonce, AD).encrypt(plaintext);
  const native = (plaintext: Uint8Array) => {
    const step = nativeCrypto!.createCipheriv("aes-256-gcm", KEY, nonce, { authTagLength: 16 });
    step.setAAD(AD, { plaintextLength: plaintext.length });
    const sealed = new Uint8Array(plaintext.length + 16);
    sealed.set(step.update(plaintext));
    step.final();
    sealed.set(step.getAuthTag(), plaintext.length);
  };
  const row = (what: string, seal: (plaintext: Uint8Array) => unknown): Row => ({
    what,
    ...Object.fromEntries(sizes.map((size) => {
      const plaintext = secureRandom(size);
      return [`${size} B`, rounded(microseconds(() => void seal(plaintext)))];
    })),
  });
  return [...(nativeCrypto ? [row("AES-GCM native, seal", native)] : []), row("AES-GCM noble, seal", pure)];
}

function x25519(what: string, dh: Dh | undefined): Row[] {
  if (dh === undefined) return [{ what, "": "this runtime has none" }];
  const theirs = dh.publicKey(secureRandom(32));
  return [{
    what: `${what} X25519`,
    "public key": rounded(microseconds(() => void dh.publicKey(KEY))),
    agree: rounded(microseconds(() => void dh.agree(KEY, theirs))),
  }];
}

const SIZES = [64, 1024, 16_384, 65_536 - 16];
console.log("µs for one operation");
console.table([
  ...chacha("ChaCha native", nativeAead(), SIZES),
  ...chacha("ChaCha noble", nobleAead, SIZES),
  ...aesGcm(SIZES),
]);
console.table([...x25519("native", nativeDh()), ...x25519("noble", nobleDh)]);
