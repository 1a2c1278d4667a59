/** What every entry point of the SDK exports besides `Peer`. */
export {
  type ExportableIdentity,
  generateIdentity,
  type Identity,
  identityFromSeed,
} from "./identity/identity.ts";
export { fileKeyStore, KeyFileError, type KeyFileProblem } from "./identity/key_file.ts";
export { type KeyStore, memoryKeyStore } from "./identity/key_store.ts";
export { parsePeerId, type PeerId, peerIdBytes, peerIdFromBytes, tryPeerId } from "./identity/peer_id.ts";
export { decodePem, encodePem } from "./identity/pem.ts";
export { pairWords, safetyWords } from "./identity/words.ts";
export { Link, type LinkEnd, type LinkEvents, type LinkPath, type SendOptions } from "./link/link.ts";
export { Message } from "./link/message.ts";
export type { Delivery, MessageStatus, StatusTimes } from "./link/outgoing.ts";
export type { Posted } from "./link/posted.ts";
export type { LinkStream } from "./link/stream.ts";
export type { AcceptPolicy, PeerOptions } from "./peer/options.ts";
export type { DialOptions, NodeChange, NodeSession, PeerEvents } from "./peer/peer_events.ts";
export { type Broadcast, type BroadcastOptions, Topic, type TopicEvents } from "./peer/topic.ts";
export type { TopicOptions } from "./peer/topics.ts";
export { type Sight, Watch, type WatchEvents, type WatchOptions } from "./peer/watch.ts";
export { LinkRequest } from "./peer/request.ts";
export type { AttemptCounts } from "./path/punching.ts";
export { type IceServer, iceServers } from "./session/ice_servers.ts";
export { WaymeetError, type WaymeetErrorCode } from "./wire/error.ts";
