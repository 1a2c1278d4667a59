import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CertificateFiles } from "../../edge/certificate_files.ts";
import type { Certificate } from "../../src/rendezvous/certificates.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { issue } from "./certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "waymeet-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const [one, two] = [issue(folder, "one"), issue(folder, "two")];
const [crt, key] = [join(folder, "live.crt"), join(folder, "live.key")];

function put([cert, pem]: [string, string]): void {
  copyFileSync(cert, crt);
  copyFileSync(pem, key);
}

/** Lets the files be looked at once, and what was found be judged. */
async function look(clock: VirtualClock): Promise<void> {
  assert.equal(clock.timers, 1);
  await clock.advance(2_000);
  while (clock.due === Infinity) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function follow(): Promise<{ clock: VirtualClock; files: CertificateFiles; heard: Certificate[] }> {
  put(one.files);
  const clock = new VirtualClock();
  const files = await CertificateFiles.open(crt, key, clock);
  const heard: Certificate[] = [];
  files.onRenewed((certificate) => heard.push(certificate));
  return { clock, files, heard };
}

describe("a certificate in files", () => {
  it("is told once when it was renewed", async () => {
    const { clock, files, heard } = await follow();
    await look(clock);
    assert.deepEqual(heard, []);
    put(two.files);
    await look(clock);
    await look(clock);
    assert.deepEqual(heard, [{ cert: two.cert, key: two.key }]);
    assert.equal(files.current.cert, two.cert);
    files.close();
    assert.equal(clock.timers, 0);
  });

  it("is not believed while the key is still the old one's", async () => {
    const { clock, files, heard } = await follow();
    copyFileSync(two.files[0], crt);
    await look(clock);
    assert.deepEqual([heard, files.current.cert], [[], one.cert]);
    copyFileSync(two.files[1], key);
    await look(clock);
    assert.deepEqual(heard.map(({ cert }) => cert), [two.cert]);
    files.close();
  });

  it("outlives files that are gone or nonsense for a while", async () => {
    const { clock, files, heard } = await follow();
    rmSync(key);
    await look(clock);
    writeFileSync(key, "-----BEGIN");
    await look(clock);
    assert.deepEqual([heard, files.current.cert], [[], one.cert]);
    put(two.files);
    await look(clock);
    assert.equal(heard.length, 1);
    files.close();
  });

  it("tells nobody who has taken himself off", async () => {
    const { clock, files, heard } = await follow();
    const late: Certificate[] = [];
    files.onRenewed((certificate) => late.push(certificate))();
    put(two.files);
    await look(clock);
    assert.deepEqual([heard.length, late.length], [1, 0]);
    files.close();
  });

  it("must fit its key from the beginning", async () => {
    await assert.rejects(CertificateFiles.open(one.files[0], two.files[1]), {
      name: "TypeError",
      message: /the key is not the certificate's/,
    });
    await assert.rejects(CertificateFiles.open(one.files[1], one.files[1]), TypeError);
    await assert.rejects(CertificateFiles.open(join(folder, "none"), key), { code: "ENOENT" });
  });
});
