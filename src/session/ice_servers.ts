/**
 * What a node's welcome tells of STUN and TURN, as WebRTC wants it.
 *
 * @module
 */
import type { WelcomeBody } from "../wire/protocol.ts";

/** An element of `RTCConfiguration.iceServers` (WebRTC §4.2.2). */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/**
 * The ICE servers of a welcome: STUN servers, then TURN servers whose credential is good at `now`
 * (milliseconds since 1970 by the node's clock; without it all of them).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const turn = [{ urls: ["turn:b.example"], username: "9:id", credential: "c", expires: 9_000 }];
 * const welcome = { stun: ["stun:a.example"], turn };
 * assert.deepEqual(iceServers(welcome, 8_999), [
 *   { urls: ["stun:a.example"] },
 *   { urls: ["turn:b.example"], username: "9:id", credential: "c" },
 * ]);
 * assert.deepEqual(iceServers(welcome, 9_000), [{ urls: ["stun:a.example"] }]);
 * ```
 */
export function iceServers(
  welcome: Pick<WelcomeBody, "stun" | "turn">,
  now: number = -Infinity,
): IceServer[] {
  const { stun, turn = [] } = welcome;
  const servers: IceServer[] = stun.length > 0 ? [{ urls: [...stun] }] : [];
  for (const { urls, username, credential, expires } of turn) {
    if (urls.length > 0 && now < expires) servers.push({ urls: [...urls], username, credential });
  }
  return servers;
}
