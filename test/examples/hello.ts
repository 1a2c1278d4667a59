/** Hello, world: an echo server and somebody who talks to it. In your program: `from "waymeet"`. */
import process from "node:process";
import { Peer } from "../../src/mod.node.ts";

const nodes = [process.argv[2] ?? "ws://127.0.0.1:8787"];

await using echo = await Peer.open({ nodes });
echo.addEventListener("link", async ({ link }) => {
  for await (const message of link) await link.send(message);
});

await using me = await Peer.open({ nodes });
await using link = await me.dial(echo.id); // 52 letters: the public key itself
await link.send("hello"); // resolves when the other process HAS it
for await (const answer of link) {
  console.log(answer.text());
  break;
}
