import type { Connect } from "../session/socket.ts";

/** What the SDK needs from where it runs, beyond Web standards. */
export interface Platform {
  connect: Connect;
  /** For the user agent: `bun/1.4.5`, `browser`. */
  name: string;
}
