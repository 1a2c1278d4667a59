/** The deployment for Cloudflare on this machine: workerd, started by miniflare. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { generateIdentity } from "../../src/identity/identity.ts";
import { encodePem } from "../../src/identity/pem.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Deployment {
  /** `ws://127.0.0.1:…` */
  readonly url: string;
  /** The token of its operator. */
  readonly operator: string;
  stop(): Promise<void>;
}

/** The entry point of `deploy/cloudflare` with one listener more. */
const ENTRY = `
import { DurableObject } from "cloudflare:workers";
import { gatewayObject, peerObject, worker } from "./edge/cloudflare.ts";
import { THROWING_AGENT } from "./test/compliance/check.ts";
const began = (node) => node.addEventListener("established", ({ agent }) => {
  if (agent === THROWING_AGENT) throw new Error("a listener of the operator");
});
export class Peers extends peerObject(DurableObject, { began }) {}
export class Gateway extends gatewayObject(DurableObject, { began }) {}
export default worker;
`;

/** As wrangler bundles: one module for the platform. */
export async function bundle(): Promise<string> {
  const built = await build({
    stdin: { contents: ENTRY, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  return built.outputFiles[0]!.text;
}

/** With a {@link bundle} that was made before, if it is given. */
export async function startWorkerd(
  vars: Record<string, string> = {},
  script?: string,
): Promise<Deployment> {
  const operator = crypto.randomUUID();
  const { seed } = await generateIdentity();
  const miniflare = new Miniflare({
    modules: true,
    script: script ?? await bundle(),
    compatibilityDate: "2026-04-26",
    host: "127.0.0.1",
    port: 0,
    durableObjects: {
      PEERS: { className: "Peers", useSQLite: true },
      GATEWAY: { className: "Gateway", useSQLite: true },
    },
    bindings: {
      WAYMEET_KEY: encodePem(seed),
      WAYMEET_ACCESS: "open",
      WAYMEET_NAME: "127.0.0.1",
      WAYMEET_METRICS: "public",
      WAYMEET_OPERATOR_TOKEN: operator,
      ...vars,
    },
  });
  const url = String(await miniflare.ready).replace(/^http/, "ws").replace(/\/$/, "");
  return { url, operator, stop: () => miniflare.dispose() };
}
