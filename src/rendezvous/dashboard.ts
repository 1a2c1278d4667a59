import { toBase64url } from "../identity/base64url.ts";
import type { Clock } from "../session/clock.ts";
import { OperatorConsole } from "./console.ts";
import type { RendezvousNode } from "./node.ts";
import type { Assets } from "./pages.ts";

/** A dashboard, and the token that opens it. */
export interface Dashboard {
  console: OperatorConsole;
  token: string;
}

/** Read when a node serves them: a program with the SDK alone never loads them. */
export async function pages(): Promise<Assets> {
  return (await import("../pages/assets.ts")).assets;
}

/** Adds a dashboard to the node's routes if it is wanted; on this machine alone it is unless refused. */
export async function addDashboard(
  node: RendezvousNode,
  { dashboard, clock }: { dashboard?: string | false; clock?: Clock },
  local: boolean,
): Promise<Dashboard | undefined> {
  const token = dashboard ?? (local ? freshToken() : false);
  if (token === false) return undefined;
  const console = new OperatorConsole(node, { token, assets: await pages(), clock });
  console.mount(node.app);
  return { console, token };
}

/** 144 random bits. */
function freshToken(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(18)));
}
