import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "../../src/rendezvous/certificates.ts";

/** A certificate of this machine, its files, and the authority that vouches for it and for no other. */
export interface Issued extends Certificate {
  /** Certificate and key. */
  files: [string, string];
  /** File of the authority's own certificate. */
  authority: string;
}

/** Makes an authority and a certificate of 127.0.0.1 by it, with `openssl`, in files named after `name`. */
export function issue(folder: string, name: string): Issued {
  const file = (end: string): string => join(folder, `${name}${end}`);
  const [crt, key, authority] = [file(".crt"), file(".key"), file("-ca.crt")] as const;
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...fresh, "-subj", `/CN=${name}`, "-keyout", file("-ca.key"), "-out", authority);
  openssl("req", ...fresh, "-subj", "/CN=localhost", "-keyout", key, "-out", file(".csr"));
  writeFileSync(file(".ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  const by = ["-CA", authority, "-CAkey", file("-ca.key"), "-CAcreateserial", "-extfile", file(".ext")];
  openssl("x509", "-req", "-days", "2", "-in", file(".csr"), ...by, "-out", crt);
  return { cert: readFileSync(crt, "utf8"), key: readFileSync(key, "utf8"), files: [crt, key], authority };
}

function openssl(...words: string[]): void {
  execFileSync("openssl", words, { stdio: "ignore" });
}
