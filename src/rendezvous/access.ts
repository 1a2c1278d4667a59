/**
 * Who may have a session. The key is proven before anybody asks here; whatever goes
 * wrong refuses.
 *
 * @module
 */
import { decodeJwt, errors, importJWK, type JWTPayload, jwtVerify } from "jose";
import { toBase64url } from "../identity/base64url.ts";
import type { Identity } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText, tryPeerId } from "../identity/peer_id.ts";
import type { AuthBody } from "../wire/protocol.ts";

/** The choice an operator makes. */
export type Access =
  /** Everybody who knows the address. */
  | { kind: "open" }
  /** These peers alone. The iterable is read at each decision, so a live `Set` may change. */
  | { kind: "allow-list"; peers: Iterable<PeerId> }
  /** Who brings a token (JWT, EdDSA) signed by one of these issuers. */
  | { kind: "token"; issuers: Iterable<PeerId> };

/** What a decision is made from. */
export interface AccessContext {
  network: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** Differences of clocks between issuer and node, seconds. */
const CLOCK_TOLERANCE = 60;

/**
 * `undefined`: welcome. Otherwise why not, and what to do about it, in words for the
 * person who runs the peer.
 */
export function accessObstacle(
  access: Access,
  auth: AuthBody,
  context: AccessContext,
): Promise<string | undefined> | string | undefined {
  switch (access.kind) {
    case "open":
      return undefined;
    case "allow-list":
      return onList(access.peers, peerIdText(auth.id));
    case "token":
      return tokenObstacle(access.issuers, auth, context);
    default:
      return "this node's access choice is unknown; its operator has to correct it";
  }
}

function onList(peers: Iterable<PeerId>, id: PeerId): string | undefined {
  for (const peer of peers) {
    if (peer === id) return undefined;
  }
  return `this node admits listed peers only; ask its operator to add ${id}`;
}

async function tokenObstacle(
  issuers: Iterable<PeerId>,
  auth: AuthBody,
  context: AccessContext,
): Promise<string | undefined> {
  if (auth.token === null) {
    return "this node wants an access token; ask its operator for one and pass it as `token`";
  }
  try {
    const claims = await verifiedClaims(auth.token, issuers, context);
    return isBoundTo(claims, auth.id)
      ? undefined
      : "this token was issued for another peer; ask for one for your own id";
  } catch (error) {
    return tokenAdvice(error, context);
  }
}

async function verifiedClaims(
  token: string,
  issuers: Iterable<PeerId>,
  context: AccessContext,
): Promise<JWTPayload> {
  const issuer = trusted(issuers, decodeJwt(token).iss);
  const { payload } = await jwtVerify(token, await importJWK({ ...jwk(peerIdBytes(issuer)), alg: "EdDSA" }), {
    algorithms: ["EdDSA", "Ed25519"],
    audience: context.network,
    issuer,
    requiredClaims: ["exp", "sub", "cnf"],
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(context.now),
  });
  return payload;
}

class UnknownIssuer extends Error {}

function trusted(issuers: Iterable<PeerId>, claimed: string | undefined): PeerId {
  for (const issuer of issuers) {
    if (issuer === claimed) return issuer;
  }
  throw new UnknownIssuer();
}

/** Protocol rule 5: a stolen token is useless, because the session's own key has to be the one it names. */
function isBoundTo(claims: JWTPayload, key: Uint8Array): boolean {
  const confirmation = claims.cnf as { jwk?: Partial<OkpKey> } | undefined;
  const bound = confirmation?.jwk;
  const own = jwk(key);
  return claims.sub === peerIdText(key) && bound?.kty === own.kty && bound.crv === own.crv &&
    bound.x === own.x;
}

function tokenAdvice(error: unknown, { network }: AccessContext): string {
  if (error instanceof UnknownIssuer) {
    return "this token's issuer is not trusted here; ask this node's operator for a token";
  }
  if (error instanceof errors.JWTExpired) return "this token has expired; ask for a new one";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === "aud"
      ? `this token is for another network than "${network}"; ask for one for this network`
      : `this token's claim "${error.claim}" is missing or wrong; ask for a new token`;
  }
  return "this token is not valid; check that all of it was copied, or ask for a new one";
}

/** An ed25519 public key as a JSON Web Key (RFC 8037 §2). */
interface OkpKey {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
}

function jwk(key: Uint8Array): OkpKey {
  return { kty: "OKP", crv: "Ed25519", x: toBase64url(key) };
}

/** For whom, where and how long a token is good. */
export interface TokenGrant {
  peer: PeerId;
  network: string;
  /** Seconds from `now`. */
  ttl: number;
  /** Milliseconds since 1970; default: the machine's clock. */
  now?: number;
}

/**
 * An access token: a JWT (RFC 7519) signed with EdDSA (RFC 8037) by `issuer`.
 * Claims: `iss` the issuer's PeerId, `sub` the peer's, `aud` the network, `iat`, `exp`,
 * and `cnf.jwk` (RFC 7800 §3.2) the peer's public key.
 *
 * Takes an identity, not a seed, so that the key may live where it cannot be read. What a
 * JWT signs is ASCII and can be no other signature of this protocol: those begin with a
 * CBOR array head.
 *
 * @throws {TypeError} when `peer` is no PeerId.
 * @throws {RangeError} when `ttl` is not positive.
 *
 * @example
 * ```ts
 * import { generateIdentity } from "../identity/identity.ts";
 * const [issuer, peer] = [await generateIdentity(), await generateIdentity()];
 * const token = await issueToken(issuer, { peer: peer.id, network: "default", ttl: 3600 });
 * token.split(".").length; // 3
 * ```
 */
export async function issueToken(issuer: Identity, grant: TokenGrant): Promise<string> {
  if (!(grant.ttl > 0)) {
    throw new RangeError(`a token's ttl is a positive number of seconds, not ${grant.ttl}`);
  }
  const peer = tryPeerId(grant.peer);
  if (peer === undefined) {
    throw new TypeError(`a token is issued to a PeerId of 52 letters, not ${JSON.stringify(grant.peer)}`);
  }
  const issued = Math.floor((grant.now ?? Date.now()) / 1000);
  const claims = {
    iss: issuer.id,
    sub: peer,
    aud: grant.network,
    iat: issued,
    exp: issued + Math.ceil(grant.ttl),
    cnf: { jwk: jwk(peerIdBytes(peer)) },
  };
  const signed = `${base64urlJson({ alg: "EdDSA", typ: "JWT" })}.${base64urlJson(claims)}`;
  return `${signed}.${toBase64url(await issuer.sign(new TextEncoder().encode(signed)))}`;
}

function base64urlJson(value: unknown): string {
  return toBase64url(new TextEncoder().encode(JSON.stringify(value)));
}
