import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import files, { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it, mock } from "node:test";
import { fileURLToPath } from "node:url";
import { fileKeyStore, KeyFileError } from "../../src/identity/key_file.ts";
import { loadOrCreate } from "../../src/identity/key_store.ts";
import { encodePem } from "../../src/identity/pem.ts";

describe("a key file", () => {
  let folder = "";
  let count = 0;
  const freshPath = () => join(folder, `${++count}`, "deep", "key.pem");
  const writeKey = async (text: string, mode = 0o600) => {
    const path = join(folder, `written-${++count}.pem`);
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "waymeet-key-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("is made once, with its directories, and read ever after", async () => {
    const path = freshPath();
    assert.equal(await fileKeyStore(path).load(), undefined);
    const made = await loadOrCreate(fileKeyStore(path));
    assert.equal((await loadOrCreate(fileKeyStore(path))).id, made.id);
    assert.deepEqual(await readdir(join(path, "..")), ["key.pem"]);
  });
  it("is for its owner only", async () => {
    const path = freshPath();
    await fileKeyStore(path).create();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o700);
  });
  it("is never overwritten: create gives the key that is there", async () => {
    const path = freshPath();
    const first = await fileKeyStore(path).create();
    const text = await readFile(path, "utf8");
    assert.equal((await fileKeyStore(path).create()).id, first.id);
    assert.equal(await readFile(path, "utf8"), text);
  });
  it("is one when twenty callers come at once", async () => {
    const path = freshPath();
    const all = await Promise.all(Array.from({ length: 20 }, () => loadOrCreate(fileKeyStore(path))));
    assert.equal(new Set(all.map((one) => one.id)).size, 1);
    assert.deepEqual(await readdir(join(path, "..")), ["key.pem"]);
  });
  it("is one when three processes start at once", async () => {
    const path = freshPath();
    const ids = await Promise.all([1, 2, 3].map(() => idOfProcess(path)));
    assert.match(ids[0]!, /^[a-z2-7]{52}$/);
    assert.equal(new Set(ids).size, 1);
  });
  it("is made, and never overwritten, where the file system has no links", async () => {
    const link = mock.method(
      files,
      "link",
      () => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" })),
    );
    const path = freshPath();
    try {
      const first = await fileKeyStore(path).create();
      assert.equal((await fileKeyStore(path).create()).id, first.id);
    } finally {
      link.mock.restore();
    }
    assert.equal(link.mock.callCount(), 2);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(path, "..")), ["key.pem"]);
  });
  it("that others may read is refused, saying what to type", async () => {
    for (const mode of [0o640, 0o604, 0o660]) {
      const path = await writeKey(encodePem(new Uint8Array(32)), mode);
      await rejects(path, "permissions", new RegExp(`mode 0${mode.toString(8)}.*chmod 600 ${path}`));
    }
  });
  it("that only its owner may read, but not write, is good", async () => {
    const path = await writeKey(encodePem(new Uint8Array(32)), 0o400);
    assert.notEqual(await fileKeyStore(path).load(), undefined);
  });
  it("that holds no key is refused and stays as it is", async () => {
    const path = await writeKey("my diary");
    await rejects(path, "malformed", /not PEM/);
    await assert.rejects(fileKeyStore(path).create(), { code: "malformed" });
    assert.equal(await readFile(path, "utf8"), "my diary");
  });
  it("that is empty is refused", async () => {
    await rejects(await writeKey(""), "malformed", /not PEM/);
  });
  it("that is far too large is refused unread", async () => {
    await rejects(await writeKey(" ".repeat(20_000)), "malformed", /20000 bytes, too many/);
  });
  it("that is a directory is refused", async () => {
    await rejects(folder, "unreadable", /not a file/);
  });
  it("below something that is no directory is refused", async () => {
    const path = join(await writeKey("x"), "key.pem");
    await rejects(path, "unreadable", /ENOTDIR|cannot be read/);
    await assert.rejects(fileKeyStore(path).create(), { name: "KeyFileError", code: "uncreatable" });
  });
  it("may be reached through a symbolic link", async () => {
    const target = await writeKey(encodePem(new Uint8Array(32)));
    const link = join(folder, "link.pem");
    await symlink(target, link);
    assert.notEqual(await fileKeyStore(link).load(), undefined);
  });
  it("behind a link to nothing is neither made nor overwritten", async () => {
    const link = join(folder, "dangling.pem");
    await symlink(join(folder, "nothing"), link);
    await assert.rejects(loadOrCreate(fileKeyStore(link)), { code: "uncreatable" });
    assert(!(await readdir(folder)).includes("nothing"));
  });
  it("where no file can be made is refused", async () => {
    // A folder without write permission would not stop root, which runs the tests in containers.
    const file = await writeKey(encodePem(new Uint8Array(32)));
    await assert.rejects(fileKeyStore(join(file, "key.pem")).create(), { code: "uncreatable" });
  });
});

async function rejects(path: string, code: string, message: RegExp): Promise<void> {
  await assert.rejects(fileKeyStore(path).load(), (error) => {
    assert(error instanceof KeyFileError);
    assert.equal(error.code, code);
    assert.equal(error.path, path);
    assert.match(error.message, message);
    return true;
  });
}

/** Starts the runtime that runs this test anew, to make the key or read it. */
function idOfProcess(path: string): Promise<string> {
  const script = fileURLToPath(new URL("key_file_process.ts", import.meta.url));
  const child = spawn(process.execPath, [...runtimeOptions(), script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => text += chunk);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => code === 0 ? resolve(text.trim()) : reject(new Error(`ended with ${code}`)));
  });
}

function runtimeOptions(): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--no-check"];
  if ("Bun" in globalThis) return ["run"];
  return ["--import", "tsx"];
}
