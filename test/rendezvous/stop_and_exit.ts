/** A program that runs a node with peers and stops it; its end is the test. */
import { reasonName } from "../../src/wire/reason.ts";
import { dialling, until } from "./peers.ts";
import { connect, serve } from "./runtime.ts";

const node = await serve({ port: 0 });
const peers = await Promise.all([dialling(node.url, connect), dialling(node.url, connect)]);
await until(() => peers.every(({ isReady }) => isReady));
const start = performance.now();
await node.stop();
const took = Math.round(performance.now() - start);
await until(() => peers.every(({ end }) => end !== undefined));
console.log(`stopped in ${took} ms, sessions ended with ${peers.map(({ end }) => reasonName(end!.reason))}`);
