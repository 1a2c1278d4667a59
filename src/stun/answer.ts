/**
 * What a STUN server answers to one datagram (RFC 8489 §6.3, RFC 5780 §6.1). Pure.
 *
 * Nobody's address is proven here, so an answer goes wherever a forged source points. What may be left
 * out is therefore left out unless the request was long enough for it: no answer is longer than
 * its request, but for the bare minimum that RFC 8489 demands. That minimum has 32 bytes over IPv4 and
 * 44 over IPv6, against 20 of a bare request: 12 or 24 bytes more (with IP and UDP headers 1.25 and 1.35
 * times). WebRTC stacks send bare requests, so refusing those would serve nobody; the bound for
 * them is the rate for each source, see `source_limit.ts`. PADDING and RESPONSE-PORT (RFC 5780 §7.5, §7.6)
 * would amplify and redirect, and are refused as unknown.
 *
 * @module
 */
import { sameIp, type TransportAddress } from "./address.ts";
import {
  Attribute,
  attribute,
  decodeMessage,
  encodeMessage,
  isRequired,
  type Malformed,
  messageSize,
  Method,
  type RawAttribute,
  type StunMessage,
} from "./message.ts";
import { checkFingerprint, withFingerprint } from "./protection.ts";
import {
  addressAttribute,
  type Change,
  errorAttribute,
  readChange,
  unknownAttribute,
  xorAddressAttribute,
} from "./values.ts";

/** The sockets of one server in one address family: each address with each port. */
export interface Site {
  /** One or two; `undefined` for a wildcard, whose own address is not known. */
  readonly addresses: readonly (Uint8Array | undefined)[];
  /** One or two. */
  readonly ports: readonly number[];
}

/** One socket of a {@link Site}, by the positions of its address and port. */
export interface Spot {
  readonly address: number;
  readonly port: number;
}

/** Why a datagram gets no answer. */
export type Silence =
  | Malformed
  | "not-a-request"
  | "unknown-method"
  | "wrong-fingerprint"
  | "bad-source"
  | "bad-change"
  | "own-address";

export interface Answer {
  readonly bytes: Uint8Array;
  /** The socket to answer from. */
  readonly from: Spot;
  readonly outcome: "success" | "unknown-attribute";
}

/** What a server understands in a request: the rest of the required ones is refused with 420. */
const KNOWN: ReadonlySet<number> = new Set([
  Attribute.mappedAddress,
  Attribute.changeRequest,
  Attribute.username,
  Attribute.messageIntegrity,
  Attribute.realm,
  Attribute.nonce,
  Attribute.messageIntegritySha256,
  Attribute.userhash,
  Attribute.xorMappedAddress,
]);

/** Bytes of FINGERPRINT. */
const FINGERPRINT_SIZE = 8;

/** Answers a datagram that came from `source` to the socket at `spot`, or says why not. */
export function answer(
  datagram: Uint8Array,
  source: TransportAddress,
  site: Site,
  spot: Spot,
): Answer | Silence {
  const request = decodeMessage(datagram);
  if (typeof request === "string") return request;
  const silence = obstacle(request, datagram, source, site);
  if (silence !== undefined) return silence;
  const wish = attribute(request, Attribute.changeRequest);
  const change = wish === undefined ? { ip: false, port: false } : readChange(wish);
  if (change === undefined) return "bad-change";
  const unknown = unknownTypes(request, change, site);
  return unknown.length > 0
    ? refuse(request, datagram, unknown, spot)
    : succeed(request, datagram, source, site, { spot, change });
}

function obstacle(
  request: StunMessage,
  datagram: Uint8Array,
  source: TransportAddress,
  site: Site,
): Silence | undefined {
  if (request.class !== "request") return "not-a-request"; // indications, and answers to forged requests
  if (request.method !== Method.binding) return "unknown-method";
  if (source.port === 0) return "bad-source"; // no socket can be told to send there
  // A forged request from one server's socket to another's, answered, must not make a loop.
  if (
    site.ports.includes(source.port) && site.addresses.some((ip) => ip && sameIp({ ip, port: 0 }, source))
  ) {
    return "own-address";
  }
  const fingerprint = checkFingerprint(datagram);
  return fingerprint === "wrong" || fingerprint === "misplaced" ? "wrong-fingerprint" : undefined;
}

/** CHANGE-REQUEST is unknown to a server that lacks the other address or port (RFC 5780 §6.1). */
function unknownTypes({ attributes }: StunMessage, change: Change, site: Site): number[] {
  const lacking = change.ip && site.addresses.length < 2 || change.port && site.ports.length < 2;
  const unknown = attributes.map(({ type }) => type).filter((type) =>
    isRequired(type) && (!KNOWN.has(type) || lacking && type === Attribute.changeRequest)
  );
  return [...new Set(unknown)];
}

function refuse(request: StunMessage, datagram: Uint8Array, unknown: number[], from: Spot): Answer {
  const demanded = [errorAttribute(420), unknownAttribute(unknown)];
  return { bytes: finish(request, "error", demanded, [], datagram), from, outcome: "unknown-attribute" };
}

function succeed(
  request: StunMessage,
  datagram: Uint8Array,
  source: TransportAddress,
  site: Site,
  { spot, change }: { spot: Spot; change: Change },
): Answer {
  const from = { address: flip(spot.address, change.ip), port: flip(spot.port, change.port) };
  const demanded = [xorAddressAttribute(source, request.transaction)];
  const welcome = [
    described(Attribute.otherAddress, site, otherSpot(site, spot)),
    described(Attribute.responseOrigin, site, from),
  ].filter((one) => one !== undefined);
  return { bytes: finish(request, "success", demanded, welcome, datagram), from, outcome: "success" };
}

function flip(position: number, change: boolean): number {
  return change ? 1 - position : position;
}

/**
 * OTHER-ADDRESS differs in address AND port. With two ports of one address it is not told:
 * the tests of RFC 5780 §4.3 would take every NAT for one with endpoint-independent mapping.
 */
function otherSpot({ addresses, ports }: Site, spot: Spot): Spot | undefined {
  const whole = addresses.length === 2 && ports.length === 2;
  return whole ? { address: 1 - spot.address, port: 1 - spot.port } : undefined;
}

function described(
  type: number,
  { addresses, ports }: Site,
  spot: Spot | undefined,
): RawAttribute | undefined {
  const ip = spot && addresses[spot.address];
  return ip && addressAttribute(type, { ip, port: ports[spot.port]! });
}

/** The demanded attributes, then of the welcome ones what the request's length has room for. */
function finish(
  { method, transaction, attributes: asked }: StunMessage,
  kind: "success" | "error",
  demanded: RawAttribute[],
  welcome: RawAttribute[],
  datagram: Uint8Array,
): Uint8Array {
  const encode = (attributes: RawAttribute[]) =>
    encodeMessage({ class: kind, method, transaction, attributes });
  const sealed = asked.some(({ type }) => type === Attribute.fingerprint) &&
    messageSize(demanded) + FINGERPRINT_SIZE <= datagram.length;
  const room = datagram.length - (sealed ? FINGERPRINT_SIZE : 0);
  const attributes = welcome.reduce(
    (chosen, one) => messageSize([...chosen, one]) <= room ? [...chosen, one] : chosen,
    demanded,
  );
  return sealed ? withFingerprint(encode(attributes)) : encode(attributes);
}
