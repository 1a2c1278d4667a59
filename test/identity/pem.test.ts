import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { identityFromSeed } from "../../src/identity/identity.ts";
import { decodePem, encodePem } from "../../src/identity/pem.ts";
import { hex, unhex } from "./bytes.ts";

/** RFC 8410 §10.3. */
const RFC_SEED = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
const RFC_V1 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const RFC_V2 = `-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
`;

describe("PEM", () => {
  it("RFC 8410 §10.3: the example is written and read", () => {
    assert.equal(encodePem(unhex(RFC_SEED)), RFC_V1);
    assert.equal(hex(decodePem(RFC_V1)), RFC_SEED);
  });
  it("RFC 8410 §10.3: the example with attributes and public key is read", () => {
    assert.equal(hex(decodePem(RFC_V2)), RFC_SEED);
  });
  it("reads back every seed", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
      assert.deepEqual(decodePem(encodePem(seed)), seed);
    }));
  });
  it("may have CRLF line ends, and text around it", () => {
    const text = `my key\r\n${RFC_V1.replaceAll("\n", "\r\n")}\r\nend`;
    assert.equal(hex(decodePem(text)), RFC_SEED);
  });
  it("is not written for a seed of a wrong length", () => {
    assert.throws(() => encodePem(new Uint8Array(64)), {
      name: "TypeError",
      message: /32 bytes, this has 64/,
    });
  });
  it("gives a TypeError or a seed for any damage", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 48 }), (noise, keep) => {
      const der = Uint8Array.of(
        ...Uint8Array.from(atob(body(RFC_V1)), (c) => c.charCodeAt(0)).subarray(0, keep),
        ...noise,
      );
      try {
        assert.equal(decodePem(pem("PRIVATE KEY", btoa(String.fromCharCode(...der)))).length, 32);
      } catch (error) {
        assert(error instanceof TypeError && !/undefined|NaN/.test(error.message), String(error));
      }
    }));
  });
});

describe("the error of a wrong PEM says what it is", () => {
  const cases: [string, string, RegExp][] = [
    ["no PEM", "hello", /not PEM/],
    ["an empty file", "", /not PEM/],
    ["an encrypted key", pem("ENCRYPTED PRIVATE KEY", "AAAA"), /encrypted: decrypt it/],
    ["a public key", pem("PUBLIC KEY", "AAAA"), /public key; the private key is needed/],
    ["an OpenSSH key", pem("OPENSSH PRIVATE KEY", "AAAA"), /OpenSSH key/],
    ["an old RSA key", pem("RSA PRIVATE KEY", "AAAA"), /"RSA PRIVATE KEY"/],
    [
      "an X25519 key",
      pem("PRIVATE KEY", btoa(atob(body(RFC_V1)).replace("\x2b\x65\x70", "\x2b\x65\x6e"))),
      /X25519/,
    ],
    ["a PKCS#8 RSA key", pem("PRIVATE KEY", btoa(rsaStart())), /for RSA/],
    ["no end line", RFC_V1.slice(0, 100), /cut off: no line "-----END/],
    ["half the content", pem("PRIVATE KEY", body(RFC_V1).slice(0, 40)), /cut off/],
    ["no base64", pem("PRIVATE KEY", "?!"), /not base64/],
    ["no DER", pem("PRIVATE KEY", "AAAA"), /no PKCS#8/],
    ["no content", pem("PRIVATE KEY", ""), /no PKCS#8/],
  ];
  for (const [name, text, message] of cases) {
    it(name, () => assert.throws(() => decodePem(text), { name: "TypeError", message }));
  }
});

describe("openssl", { skip: opensslMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "waymeet-pem-"));
  after(() => rmSync(folder, { recursive: true }));

  it("reads what is written here and finds the same public key", async () => {
    const file = join(folder, "ours.pem");
    const { seed, publicKey } = await identityFromSeed(unhex(RFC_SEED));
    writeFileSync(file, encodePem(seed));
    const shown = execFileSync("openssl", ["pkey", "-in", file, "-noout", "-text"], { encoding: "utf8" });
    assert.match(shown, /ED25519 Private-Key/i);
    assert(shown.replace(/[\s:]/g, "").includes(`pub${hex(publicKey)}`), shown);
  });
  it("writes what is read here, with the same public key", async () => {
    const text = execFileSync("openssl", ["genpkey", "-algorithm", "ed25519"], { encoding: "utf8" });
    const { publicKey } = await identityFromSeed(decodePem(text));
    const der = execFileSync("openssl", ["pkey", "-pubout", "-outform", "DER"], { input: text });
    assert.equal(hex(publicKey), hex(der.subarray(12)));
  });
  it("writes X25519, RSA and encrypted keys, which are refused by name", () => {
    const make = (...options: string[]) =>
      execFileSync("openssl", ["genpkey", ...options], { encoding: "utf8", stdio: "pipe" });
    assert.throws(() => decodePem(make("-algorithm", "x25519")), /X25519/);
    assert.throws(() => decodePem(make("-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024")), /RSA/);
    assert.throws(() => decodePem(make("-algorithm", "ed25519", "-aes256", "-pass", "pass:x")), /encrypted/);
  });
});

function pem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}

function body(text: string): string {
  return text.split("\n").slice(1, -2).join("");
}

function rsaStart(): string {
  return "\x30\x17\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x03\x01\x02\x03";
}

function opensslMissing(): string | false {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return false;
  } catch {
    console.log("skipped: the tests against openssl, because there is no openssl on this machine");
    return "no openssl on this machine";
  }
}
