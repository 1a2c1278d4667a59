/**
 * Access tokens: JWTs (RFC 7519) signed with EdDSA (RFC 8037), bound to the key that may use them.
 *
 * @module
 */
import { decodeJwt, decodeProtectedHeader, errors, importJWK, type JWTPayload, jwtVerify } from "jose";
import { toBase64url } from "../identity/base64url.ts";
import type { Identity } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText, tryPeerId } from "../identity/peer_id.ts";
import { type AuthBody, Reason } from "../wire/protocol.ts";
import type { Judgement } from "./judgement.ts";
import { type Quotas, readQuotas } from "./quotas.ts";

/** What a token is judged by. */
export interface TokenContext {
  network: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** Differences of clocks between issuer and node, seconds. */
const CLOCK_TOLERANCE = 60;

/** Whether the token that came with `auth` is one of these issuers', good now, here, and for this key. */
export async function judgeToken(
  issuers: Iterable<PeerId>,
  auth: AuthBody,
  context: TokenContext,
): Promise<Judgement> {
  if (auth.token === null) {
    return unauthorized("this node wants an access token; ask its operator for one and pass it as `token`");
  }
  try {
    const { claims, issuer } = await verifiedClaims(auth.token, issuers, context);
    if (!isBoundTo(claims, auth.id)) {
      return unauthorized("this token was issued for another peer; ask for one for your own id");
    }
    const quotas = claims.quotas === undefined ? undefined : readQuotas(claims.quotas);
    return { ok: true, quotas, until: (claims.exp! + CLOCK_TOLERANCE) * 1000, issuer };
  } catch (error) {
    return unauthorized(tokenAdvice(error, context));
  }
}

function unauthorized(text: string): Judgement {
  return { ok: false, reason: Reason.unauthorized, text };
}

async function verifiedClaims(
  token: string,
  issuers: Iterable<PeerId>,
  context: TokenContext,
): Promise<{ claims: JWTPayload; issuer: PeerId }> {
  // The key's name is its PeerId: `kid` when an issuer signs with one of several keys, else the issuer's own.
  const { iss } = decodeJwt(token);
  const issuer = trusted(issuers, decodeProtectedHeader(token).kid ?? iss);
  const { payload } = await jwtVerify(token, await importJWK({ ...jwk(peerIdBytes(issuer)), alg: "EdDSA" }), {
    algorithms: ["EdDSA", "Ed25519"],
    audience: context.network,
    requiredClaims: ["iss", "exp", "sub", "cnf"],
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(context.now),
  });
  return { claims: payload, issuer };
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

function tokenAdvice(error: unknown, { network }: TokenContext): string {
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
  /** Bounds for this peer below the node's own. */
  quotas?: Quotas;
  /** Milliseconds since 1970; default: the machine's clock. */
  now?: number;
}

/**
 * An access token: a JWT (RFC 7519) signed with EdDSA (RFC 8037) by `issuer`.
 * Claims: `iss` the issuer's PeerId, `sub` the peer's, `aud` the network, `iat`, `exp`,
 * `cnf.jwk` (RFC 7800 §3.2) the peer's public key, and `quotas`. The header's `kid` names the key that
 * signed: nodes trust several at a time, so that keys are rotated by listing the new one, then dropping the old.
 *
 * Takes an identity, not a seed, so that the key may live where it cannot be read. What a
 * JWT signs is ASCII and can be no other signature of this protocol: those begin with a
 * CBOR array head.
 *
 * @throws {TypeError} when `peer` is no PeerId.
 * @throws {RangeError} when `ttl` is not positive, or a quota out of bounds.
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
    ...grant.quotas === undefined ? {} : { quotas: readQuotas(grant.quotas) },
  };
  const signed = `${base64urlJson({ alg: "EdDSA", kid: issuer.id, typ: "JWT" })}.${base64urlJson(claims)}`;
  return `${signed}.${toBase64url(await issuer.sign(new TextEncoder().encode(signed)))}`;
}

function base64urlJson(value: unknown): string {
  return toBase64url(new TextEncoder().encode(JSON.stringify(value)));
}
