/**
 * `nuisance.ts`: does to a node what it is ordered, from where the peers are: holds idle connections, or speaks as its
 * operator. Orders and answers are JSON lines.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

export type Errand =
  /** Opens so many connections and says nothing over them; answers how many are open a second later. */
  | { order: "hold"; host: string; port: number; count: number }
  | { order: "release" }
  | { order: "post"; url: string; token: string; path: string; body: unknown }
  | { order: "get"; url: string };

const held: Socket[] = [];

function tell(fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ event: "done", ...fields })}\n`);
}

async function run(errand: Errand): Promise<Record<string, unknown>> {
  switch (errand.order) {
    case "hold":
      for (let i = 0; i < errand.count; i++) {
        held.push(connect(errand.port, errand.host).on("error", () => {}));
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { open: held.filter(({ readyState }) => readyState === "open").length };
    case "release":
      for (const socket of held.splice(0)) socket.destroy();
      return {};
    case "post":
    case "get": {
      const options = errand.order === "get" ? {} : {
        method: "POST",
        headers: { authorization: `Bearer ${errand.token}` },
        body: JSON.stringify(errand.body),
      };
      const url = errand.order === "get" ? errand.url : `${errand.url}${errand.path}`;
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(5_000) });
      return { status: response.status, text: (await response.text()).slice(0, 200_000) };
    }
  }
}

tell({ event: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  tell(await run(JSON.parse(line) as Errand).catch((error) => ({ failed: String(error?.cause ?? error) })));
}
process.exit(0);
