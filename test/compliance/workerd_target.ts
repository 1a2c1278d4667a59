import { http, QUEUE, type Target } from "./check.ts";
import { startWorkerd } from "./workerd.ts";

/** A platform without SIGTERM: its operator says that the node leaves. */
export async function startWorkerdTarget(vars: Record<string, string> = {}): Promise<Target> {
  const limits = JSON.stringify({ queue: QUEUE });
  const { url, operator, stop } = await startWorkerd({ WAYMEET_LIMITS: limits, ...vars });
  const target: Target = {
    url,
    async drain() {
      const headers = { authorization: `Bearer ${operator}` };
      await fetch(http(target, "/v1/drain"), { method: "POST", headers });
    },
    close: stop,
  };
  return target;
}
