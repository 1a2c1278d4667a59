/**
 * What a node tells its peers of STUN and TURN servers.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Offer } from "../session/accept.ts";
import type { Clock } from "../session/clock.ts";
import { stunUrl } from "../stun/ice_url.ts";
import type { StunCounts } from "../stun/server.ts";
import { MAX_FEATURES, MAX_TURN } from "../wire/limits.ts";
import { type AuthBody, Role, type TurnServer } from "../wire/protocol.ts";
import { isStunUrl, isTurnUrl } from "../wire/shape.ts";

/** A TURN server that shares a secret with the node (coturn: `use-auth-secret`, `static-auth-secret`). */
export interface TurnOptions {
  /** `turn:` and `turns:` URLs (RFC 7065), at most 4. */
  urls: readonly string[];
  secret: string;
  /** Seconds that a peer's credential is good. Default 86,400: a peer gets another with each session. */
  ttl?: number;
}

/** A day, as coturn's documentation has it. */
const TTL = 86_400;

/**
 * Credentials that end by themselves (draft-uberti-behave-turn-rest-00, as coturn has them): the user name is
 * the end in seconds since 1970 and the peer's id, the password base64(HMAC-SHA1(secret, user name)).
 */
export function turnCredential(secret: string, peer: PeerId, expires: number): Omit<TurnServer, "urls"> {
  const encoder = new TextEncoder();
  const seconds = Math.floor(expires / 1_000);
  const username = `${seconds}:${peer}`;
  const mac = hmac(sha1, encoder.encode(secret), encoder.encode(username));
  return { username, credential: btoa(String.fromCharCode(...mac)), expires: seconds * 1_000 };
}

/** What the node of these options offers. */
export class IceOffer {
  readonly #stun: readonly string[];
  readonly #turn: TurnOptions | undefined;
  readonly #clock: Clock;
  #ports: readonly number[] = [];
  #counts: StunCounts | undefined;
  /** For the host that the latest dialer named, which most others name, too. */
  #latest: { host: string; stun: string[] } | undefined;

  /** @throws {TypeError} when a URL is none, or the secret is empty. */
  constructor(options: { stun?: readonly string[]; turn?: TurnOptions }, clock: Clock) {
    this.#stun = checked(options.stun ?? [], isStunUrl, "stun:stun.example.org:3478");
    this.#turn = options.turn;
    this.#clock = clock;
    if (this.#turn === undefined) return;
    const urls = checked(this.#turn.urls, isTurnUrl, "turn:turn.example.org:3478");
    if (urls.length > MAX_TURN) throw new TypeError(`at most ${MAX_TURN} TURN URLs, not ${urls.length}`);
    if (this.#turn.secret === "") throw new TypeError("a TURN server's secret is not empty");
  }

  /** The node's own STUN server; `undefined`: it has none. */
  get counts(): StunCounts | undefined {
    return this.#counts;
  }

  /** From now on this node's own STUN server is offered, too. */
  serving(ports: readonly number[], counts: StunCounts): void {
    this.#ports = ports;
    this.#latest = undefined;
    this.#counts = counts;
  }

  /** For one dialer: its own servers under the name that it dialled, then those of the operator. */
  offer({ id, role, host }: AuthBody): Pick<Offer, "stun" | "turn"> {
    if (role === Role.node) return {};
    const { stun } = this.#latest = this.#latest?.host === host ? this.#latest : this.#stunFor(host);
    if (this.#turn === undefined) return { stun };
    const { urls, secret, ttl = TTL } = this.#turn;
    const credential = turnCredential(secret, peerIdText(id), this.#clock.wall() + ttl * 1_000);
    return { stun, turn: [{ urls: [...urls], ...credential }] };
  }

  #stunFor(host: string): { host: string; stun: string[] } {
    const own = this.#ports.map((port) => stunUrl(withoutPort(host), port)).filter(isStunUrl);
    return { host, stun: [...own, ...this.#stun].slice(0, MAX_FEATURES) };
  }
}

/** `[::1]:8787` → `[::1]` */
function withoutPort(host: string): string {
  return host.replace(/:\d+$/, "");
}

function checked(
  urls: readonly string[],
  isUrl: (url: string) => boolean,
  example: string,
): readonly string[] {
  const wrong = urls.find((url) => !isUrl(url));
  if (wrong !== undefined) throw new TypeError(`"${wrong}" is no such URL; write ${example}`);
  return urls;
}
