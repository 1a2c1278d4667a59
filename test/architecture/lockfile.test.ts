import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

interface Locked {
  integrity?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  link?: boolean;
}
const path = new URL("../../package-lock.json", import.meta.url);
const { packages } = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, Locked> };
const locked = Object.entries(packages).filter(([name]) => name !== "");

describe("the lockfile", () => {
  it("holds a SHA-512 of every package, so that nobody can exchange one", () => {
    const without = locked.filter(([, { integrity }]) =>
      !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")
    );
    assert.deepEqual(without.map(([name]) => name), []);
    assert(locked.length > 100);
  });

  it("takes packages from the registry alone, and over TLS", () => {
    const elsewhere = locked.filter(([, { resolved = "https:", link }]) =>
      link || !resolved.startsWith("https:")
    );
    assert.deepEqual(elsewhere.map(([name]) => name), []);
  });

  it("has no package that a node needs and that runs a script when it is installed", () => {
    const scripted = locked.filter(([, each]) => each.hasInstallScript && !each.dev && !each.optional);
    assert.deepEqual(scripted.map(([name]) => name), []);
  });
});
