/** Programs in a network namespace of their own, with one address that WebRTC offers: of loopback it offers none. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";

/** The address. */
export const ADDRESS = "10.9.9.1";
const NETWORK =
  `ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add ${ADDRESS}/24 dev v0 &&
  ip link set v0 up && ip link set v1 up && exec "$@"`;
const possible = process.getuid?.() === 0 && spawnSync("unshare", ["-n", "ip", "link"]).status === 0;
/** Why that is not possible here. */
export const skip: string | false = possible
  ? false
  : "needs root and iproute2, to make a network namespace of its own";

/** The line of JSON that a program prints, run in a network namespace of its own. */
export function within(program: string[], milliseconds: number = 70_000): unknown {
  const { status, signal, stdout, stderr } = spawnSync("unshare", [
    "-n",
    "bash",
    "-c",
    NETWORK,
    "bash",
    ...program,
  ], {
    encoding: "utf8",
    timeout: milliseconds,
  });
  const line = stdout.split("\n").find((line) => line.startsWith("{"));
  assert.ok(line, `${stdout}\n${stderr}`);
  assert.deepEqual([status, signal], [0, null], `${stdout}\n${stderr}`);
  return JSON.parse(line);
}
