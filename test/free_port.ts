import { once } from "node:events";
import { createServer } from "node:net";

/** Systems give outgoing connections higher ports (Linux from 32,768): one of these stays free while its program is dead. */
const [FIRST, COUNT] = [20_000, 12_000];

/** A TCP port of 127.0.0.1 on which nobody listens, for a program that may be killed and come back. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer().listen(port, "127.0.0.1");
    const taken = await once(server, "listening").then(() => false, () => true);
    if (taken) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("a hundred ports are taken");
}
