/** `waymeet_relay.ts HOST`: a node that tells where it is, and runs until it is killed. */
import process from "node:process";
import { serve } from "../../../edge/bun.ts";

const host = process.argv[2]!;
const node = await serve({ host, port: 0, access: { kind: "open" }, names: "any" });
console.log(`ws://${host}:${node.port}`);
