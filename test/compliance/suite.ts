/** One suite for all runtimes: which there are, and what each is asked. */
import type { Check, Target } from "./check.ts";
import { HTTP_CHECKS } from "./http_checks.ts";
import { startIsolate } from "./isolate_target.ts";
import { RELAY_CHECKS } from "./relay_checks.ts";
import { startServer } from "./server_target.ts";
import { startWorkerdTarget } from "./workerd_target.ts";
import { goHome } from "./visitor.ts";
import { DRAIN_CHECKS, SESSION_CHECKS } from "./session_checks.ts";

const ALL = [...HTTP_CHECKS, ...RELAY_CHECKS, ...SESSION_CHECKS, ...DRAIN_CHECKS];
export const CHECKS: Check[] = ALL.map(({ name, run }) => ({
  name,
  run: (target) => run(target).finally(goHome),
}));

export const TARGETS: Record<string, () => Promise<Target>> = {
  bun: () => startServer("bun"),
  deno: () => startServer("deno"),
  node: () => startServer("node"),
  isolate: () => startIsolate(),
  workerd: () => startWorkerdTarget(),
};
