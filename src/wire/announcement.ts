/**
 * Announcements: who is in a topic (protocol rule 19). The topic is a public key whose secret
 * follows from the network and the name, so an announcement proves that its maker knows the
 * name; and it is signed by the peer, so that nobody who knows the name can announce others.
 * A name that can be guessed can be tried: whoever knows it is a member.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Identity, identityFromSeed, verify } from "../identity/identity.ts";
import { invalidKey } from "../identity/key_check.ts";
import { byteStringsBehind } from "./byte_strings.ts";
import { decode, encode, type Value } from "./cbor.ts";
import { MAX_ANNOUNCEMENT } from "./limits.ts";
import { type Announcement, Domain, type Key } from "./protocol.ts";
import { lifetimeError, type RecordContext, type RecordError } from "./record.ts";
import { encodeChecked } from "./session_frames.ts";
import { is32, isText, isUint, readSigned } from "./shape.ts";

/** What those who know a topic's name can do. */
export interface TopicKey {
  /** Its id is the topic. */
  readonly identity: Identity;
  /** 32 bytes by which `to` sees that `from` knows the name; nobody else can make or check them. */
  proof(from: Key, to: Key): Uint8Array;
}

/**
 * The key of a topic. The name is hashed under its own domain with the network and the secret,
 * which may be `""`, so no two networks and no name that contains another can share one.
 */
export async function topicKey(network: string, name: string, secret: string): Promise<TopicKey> {
  const root = sha256(encode([Domain.topic, network, name, secret]));
  const derive = (use: string) => hmac(sha256, root, encode([Domain.topic, use]));
  const proofs = derive("proof");
  return {
    identity: await identityFromSeed(derive("key")),
    proof: (from, to) => hmac(sha256, proofs, encode([Domain.topic, from, to])),
  };
}

/** The announcement as it travels. @throws {RangeError} when a field is out of bounds. */
export async function signAnnouncement(
  topic: Identity,
  peer: Identity,
  fields: Omit<Announcement, "topic" | "peer">,
): Promise<Uint8Array> {
  const { issued, expires, network } = fields;
  const items = [topic.publicKey, peer.publicKey, issued, expires, network];
  const body = encodeChecked(items, readItems(items), "announcement");
  const signed = announcementSigned(body);
  return encode([body, await topic.sign(signed), await peer.sign(signed)]);
}

/** What both signatures cover. */
export function announcementSigned(body: Uint8Array): Uint8Array {
  return byteStringsBehind(Domain.topic, body);
}

/** The shape alone. `undefined`: malformed. */
export function readAnnouncement(bytes: Uint8Array): Announcement | undefined {
  return split(bytes)?.announcement;
}

function split(bytes: Uint8Array) {
  const parts = bytes.length <= MAX_ANNOUNCEMENT ? decode(bytes) : undefined;
  if (!Array.isArray(parts)) return undefined;
  const [byTopic, byPeer] = [readSigned(parts[0], parts[1]), readSigned(parts[0], parts[2])];
  const items = byTopic && decode(byTopic.body);
  const announcement = Array.isArray(items) ? readItems(items) : undefined;
  return announcement && byTopic && byPeer && { announcement, byTopic, byPeer };
}

function readItems([topic, peer, issued, expires, network]: Value[]): Announcement | undefined {
  if (!is32(topic) || !is32(peer) || !isUint(issued) || !isUint(expires) || !isText(network)) {
    return undefined;
  }
  return { topic, peer, issued, expires, network };
}

/** The announcement once all that it claims has been checked, the cheap checks first. Never throws on a stranger's bytes. */
export async function verifyAnnouncement(
  bytes: Uint8Array,
  { network, now }: RecordContext,
): Promise<{ announcement: Announcement; error?: undefined } | { error: RecordError }> {
  const parts = split(bytes);
  if (!parts) return { error: "malformed" };
  const { announcement, byTopic, byPeer } = parts;
  if (announcement.network !== network) return { error: "wrong-network" };
  const untimely = lifetimeError(announcement, now);
  if (untimely) return { error: untimely };
  const { topic, peer } = announcement;
  if (invalidKey(topic) !== undefined || invalidKey(peer) !== undefined) return { error: "bad-key" };
  const signed = announcementSigned(byTopic.body);
  const genuine = await verify(topic, signed, byTopic.signature) &&
    await verify(peer, signed, byPeer.signature);
  return genuine ? { announcement } : { error: "bad-signature" };
}
