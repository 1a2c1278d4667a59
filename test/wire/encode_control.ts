import * as frames from "../../src/wire/frames.ts";
import type { Control } from "../../src/wire/protocol.ts";

/** The bytes of a control frame of a known kind. */
export function encodeControl(frame: Control): Uint8Array {
  switch (frame.kind) {
    case "hello":
      return frames.encodeHello(frame);
    case "auth":
      return frames.encodeAuth(frames.encodeAuthBody(frame.body), frame.signature);
    case "welcome":
      return frames.encodeWelcome(frames.encodeWelcomeBody(frame.body), frame.signature);
    case "bye":
      return frames.encodeBye(frame.reason, frame.text, frame.nodes);
    case "ping":
      return frames.encodePing(frame.nonce);
    case "pong":
      return frames.encodePong(frame.nonce);
    case "notice":
      return frames.encodeNotice(frame.reason, frame.peer);
    case "publish":
      return frames.encodePublish(frame.record);
    case "lookup":
      return frames.encodeLookup(frame.request, frame.peer);
    case "found":
      return frames.encodeFound(frame.request, frame.reason, frame.record);
    case "nodes":
      return frames.encodeNodes(frame.nodes);
    case "rate":
      return frames.encodeRate(frame);
    case "announce":
      return frames.encodeAnnounce(frame.announcement, frame.tells);
    case "withdraw":
      return frames.encodeWithdraw(frame.topic);
    case "roster":
      return frames.encodeRoster(frame.reason, frame.topic, frame.size, frame.peers);
    case "member":
      return frames.encodeMember(frame.topic, frame.peer, frame.present);
    case "watch":
      return frames.encodeWatch(frame.peers);
    case "unwatch":
      return frames.encodeUnwatch(frame.peers);
    case "sighting":
      return frames.encodeSighting(frame.reason, frame.peer, frame.node);
    case "greet":
      return frames.encodeGreet(frame);
    case "members":
      return frames.encodeMembers(frame.members);
    case "probe":
      return frames.encodeProbe(frame.nonce, frame.target);
    case "probeAck":
      return frames.encodeProbeAck(frame.nonce, frame.target);
    case "presence":
      return frames.encodePresence(frame);
    case "digest":
      return frames.encodeDigest(frame);
    case "ban":
      return frames.encodeBan(frame);
    case "edges":
      return frames.encodeEdges(frame);
    case "undelivered":
      return frames.encodeUndelivered(frame);
    case "attemptTo":
    case "attemptFrom":
      return frames.encodeConveyed(frame);
    case "attempt":
    case "granted":
    case "denied":
    case "invite":
    case "answer":
    case "start":
    case "report":
    case "outcome":
      return frames.encodeAttemptFrame(frame);
    case "unknown":
      throw new TypeError("a frame of an unknown kind has no encoder");
  }
}
