import type { Target } from "./target.ts";
import { codec } from "./targets/codec.ts";
import { config } from "./targets/config.ts";
import { http } from "./targets/http.ts";
import { link } from "./targets/link.ts";
import { mesh, node } from "./targets/node.ts";
import { session } from "./targets/session.ts";
import { sockets } from "./targets/sockets.ts";
import { stun } from "./targets/stun.ts";

/** All that can be fuzzed, by name. */
export const targets: Readonly<Record<string, Target>> = Object.fromEntries(
  [codec, session, link, node, mesh, stun, http, sockets, config].map((target) => [target.name, target]),
);
