/**
 * WebRTC in browsers: their own `RTCPeerConnection` (W3C WebRTC 1.0).
 *
 * @module
 */
import type { IceServer } from "../session/ice_servers.ts";
import type { Role } from "./attempt.ts";
import { PATH_LOW_WATER } from "./port.ts";
import {
  CHANNEL,
  CHANNEL_OPTIONS,
  type LoadRtc,
  ownDescription,
  type RtcEnd,
  type RtcEvents,
  type Words,
} from "./rtc.ts";

/** The stack of this browser; workers and runtimes without one say so. */
export const loadWebRtc: LoadRtc = () => {
  if (typeof globalThis.RTCPeerConnection !== "function") {
    return Promise.resolve({ why: "this runtime has no WebRTC" });
  }
  return Promise.resolve({ connect: (role, servers, events) => new WebEnd(role, servers, events) });
};

class WebEnd implements RtcEnd {
  /** As the standard demands (WebRTC §6.2, `send`). */
  readonly copies = true;
  paired = false;
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #events: RtcEvents;
  #open = true;
  /** Words are taken in their order: a candidate before the description would be refused. */
  #taking: Promise<void> = Promise.resolve();

  constructor(role: Role, iceServers: IceServer[], events: RtcEvents) {
    this.#events = events;
    this.#connection = new RTCPeerConnection({ iceServers });
    this.#channel = this.#connection.createDataChannel(CHANNEL, CHANNEL_OPTIONS);
    this.#channel.binaryType = "arraybuffer";
    this.#channel.bufferedAmountLowThreshold = PATH_LOW_WATER;
    this.#listen();
    if (role === "offerer") this.#after(() => this.#describe("offer"));
  }

  get buffered(): number {
    return this.#channel.bufferedAmount;
  }

  take(words: Words): void {
    this.#after(() => this.#takeNow(words));
  }

  send(packet: Uint8Array): void {
    if (!this.#open || this.#channel.readyState !== "open") return;
    try {
      this.#channel.send(packet as Uint8Array<ArrayBuffer>);
    } catch {
      this.#end("the channel takes nothing any more");
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#channel.close();
    this.#connection.close();
  }

  #after(act: () => Promise<void>): void {
    this.#taking = this.#taking.then(() => this.#open ? act() : undefined)
      .catch(() => this.#end("the other side's description makes no sense"));
  }

  async #takeNow(words: Words): Promise<void> {
    if (words.type === "candidate") {
      const { candidate, mid } = words;
      // A candidate of a kind that this browser does not know is no reason to give up.
      return await this.#connection.addIceCandidate({ candidate, sdpMid: mid }).catch(() => {});
    }
    await this.#connection.setRemoteDescription({ type: words.type, sdp: words.sdp });
    if (words.type === "offer") await this.#describe("answer");
  }

  async #describe(type: "offer" | "answer"): Promise<void> {
    await this.#connection.setLocalDescription();
    const { sdp } = this.#connection.localDescription!;
    if (this.#open) this.#events.words(ownDescription(type, sdp));
  }

  #listen(): void {
    const connection = this.#connection;
    const channel = this.#channel;
    const events = this.#events;
    connection.onicecandidate = ({ candidate }) => {
      if (!this.#open || !candidate?.candidate) return;
      events.words({ type: "candidate", candidate: candidate.candidate, mid: candidate.sdpMid ?? "0" });
    };
    connection.onicegatheringstatechange = () => {
      if (this.#open && connection.iceGatheringState === "complete") events.gathered();
    };
    connection.oniceconnectionstatechange = () => {
      const state = connection.iceConnectionState;
      if (state === "connected" || state === "completed") this.paired = true;
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state === "failed" || state === "closed") this.#end(`the connection is ${state}`);
    };
    channel.onopen = () => this.#open && events.opened();
    channel.onclose = () => this.#end("the channel was closed");
    channel.onbufferedamountlow = () => this.#open && events.drained();
    channel.onmessage = ({ data }) => {
      if (this.#open && data instanceof ArrayBuffer) events.message(new Uint8Array(data));
    };
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#events.closed(reason);
  }
}
