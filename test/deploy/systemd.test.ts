// runtimes: node
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DEPLOY, deployed } from "./place.ts";

const UNIT = join(DEPLOY, "systemd", "waymeet.service");
const lacking = spawnSync("systemd-analyze", ["--version"]).error !== undefined &&
  "systemd-analyze is missing: apt-get install systemd";

describe("the systemd unit", () => {
  it("leaves a node almost nothing to harm: an exposure of at most 2.0", { skip: lacking }, () => {
    const words = ["security", "--offline=true", "--threshold=20", "--no-pager", UNIT];
    const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
    const said = /Overall exposure level for waymeet.service: ([\d.]+) OK/.exec(stdout);
    assert.ok(said, stdout.slice(-500));
    assert.deepEqual([status, Number(said[1]) <= 2], [0, true]);
  });

  it("has no line that systemd does not know", { skip: lacking }, () => {
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--no-pager", "--man=no", UNIT], {
      encoding: "utf8",
    });
    const complaints = (stdout + stderr).split("\n").filter((line) => line.includes("waymeet.service"));
    const expected = /\/usr\/local\/bin\/waymeet is not executable/; // nothing is installed here
    assert.deepEqual(complaints.filter((line) => !expected.test(line)), []);
  });

  it("ends a node later than that needs to say goodbye, and starts it again", () => {
    const unit = deployed("systemd", "waymeet.service");
    assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) > 5);
    assert.match(unit, /^Restart=always$/m);
  });
});
