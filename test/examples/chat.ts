/** A group chat in a terminal: `chat.ts NAME [ROOM [NODE…]]`. In your program: `from "waymeet"`. */
import process from "node:process";
import { createInterface } from "node:readline";
import { Peer } from "../../src/mod.node.ts";

const [name = "somebody", room = "tea", ...given] = process.argv.slice(2);
const nodes = given.length > 0 ? given : ["ws://127.0.0.1:8787"];

await using peer = await Peer.open({ nodes });
await using topic = await peer.join(room); // who knows the name is a member; { name, secret } keeps others out
topic.addEventListener("join", ({ peer }) => console.log(`${peer.slice(0, 6)} is here`));
topic.addEventListener("leave", ({ peer }) => console.log(`${peer.slice(0, 6)} left`));
console.log(`in ${room} with ${topic.members.size} others`);

(async () => {
  for await (const message of topic) console.log(message.text());
})();
for await (const line of createInterface({ input: process.stdin })) {
  const results = await topic.broadcast(`${name}: ${line}`);
  const missing = [...results.values()].filter((result) => result instanceof Error).length;
  if (missing > 0) console.log(`(${missing} did not get it)`);
}
