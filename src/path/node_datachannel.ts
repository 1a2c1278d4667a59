/**
 * WebRTC on Bun, Deno and Node: the optional package `node-datachannel` (libdatachannel),
 * loaded beside a peer's first session with a node, unless no peer may have a direct path.
 *
 * It is used directly and not by its WebRTC polyfill, and never told to `cleanup()`: that
 * crashes Node when it exits (measured: two of three times). Nothing keeps a process
 * alive once every channel has told that it is closed, see `close`.
 *
 * @module
 */
import type { DataChannel, PeerConnection } from "node-datachannel";
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

type Library = typeof import("node-datachannel");

/** Bytes of a message that the other end may send; a link's packets are far smaller. */
const MAX_MESSAGE_SIZE = 65_536;

let loading: ReturnType<LoadRtc> | undefined;

/** The stack of this runtime, or why it is not there: not installed, no build for this machine, no permission. */
export const loadNodeDataChannel: LoadRtc = () => loading ??= load();

async function load(): ReturnType<LoadRtc> {
  try {
    const library = await import("node-datachannel");
    library.preload(); // its threads and OpenSSL's tables: 10 ms that the first path would wait for
    return { connect: (role, iceServers, events) => new NativeEnd(library, role, iceServers, events) };
  } catch (error) {
    return { why: obstacle(error) };
  }
}

function obstacle(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/--allow-ffi|ffi access/.test(text)) return "direct paths need deno run --allow-ffi";
  return "the optional package node-datachannel could not be loaded";
}

class NativeEnd implements RtcEnd {
  readonly copies = true;
  readonly #connection: PeerConnection;
  readonly #channel: DataChannel;
  readonly #events: RtcEvents;
  #open = true;
  #ready = false;
  #paired = false;

  constructor({ PeerConnection }: Library, role: Role, iceServers: IceServer[], events: RtcEvents) {
    this.#events = events;
    this.#connection = new PeerConnection("waymeet", {
      iceServers: iceServers.flatMap(urlsOf),
      disableAutoNegotiation: true,
      maxMessageSize: MAX_MESSAGE_SIZE,
    });
    this.#listen();
    const { negotiated, id, ordered } = CHANNEL_OPTIONS;
    this.#channel = this.#connection.createDataChannel(CHANNEL, { negotiated, id, unordered: !ordered });
    this.#listenToChannel();
    if (role === "offerer") this.#connection.setLocalDescription("offer");
  }

  get buffered(): number {
    return this.#open ? this.#channel.bufferedAmount() : 0;
  }

  /** Asked for, because whoever is told of it loses 64 bytes at each `close()`: its last word finds nobody. */
  get paired(): boolean {
    if (this.#open) this.#paired ||= /^(connected|completed)$/.test(this.#connection.iceState());
    return this.#paired;
  }

  take(words: Words): void {
    if (!this.#open) return;
    try {
      if (words.type === "candidate") return this.#connection.addRemoteCandidate(words.candidate, words.mid);
      this.#connection.setRemoteDescription(words.sdp, words.type);
      if (words.type === "offer") this.#connection.setLocalDescription("answer");
    } catch {
      if (words.type !== "candidate") this.#end("the other side's description makes no sense");
    }
  }

  send(packet: Uint8Array): void {
    if (!this.#ready) return;
    try {
      this.#channel.sendMessageBinary(packet);
    } catch {
      this.#end("the channel takes nothing any more");
    }
  }

  close(): void {
    if (!this.#open) return;
    void this.paired; // asked for the last time
    this.#open = this.#ready = false;
    // What never opened has to be closed before its connection, and what did open must not: in
    // each case its `closed` would be lost otherwise, and with it the end of the process.
    if (!this.#channel.isOpen()) this.#channel.close();
    this.#connection.close();
  }

  #listen(): void {
    const connection = this.#connection;
    const events = this.#events;
    connection.onLocalDescription((sdp, type) => {
      if (this.#open && (type === "offer" || type === "answer")) events.words(ownDescription(type, sdp));
    });
    connection.onLocalCandidate((candidate, mid) => {
      if (this.#open) events.words({ type: "candidate", candidate: candidate.replace(/^a=/, ""), mid });
    });
    connection.onGatheringStateChange((state) => {
      if (this.#open && state === "complete") events.gathered();
    });
    connection.onStateChange((state) => {
      if (state === "failed" || state === "closed") this.#end(`the connection is ${state}`);
    });
  }

  #listenToChannel(): void {
    const channel = this.#channel;
    const events = this.#events;
    channel.onOpen(() => {
      if (!this.#open) return;
      this.#ready = this.#paired = true;
      events.opened();
    });
    channel.onClosed(() => this.#end("the channel was closed"));
    channel.onError((text) => this.#end(text));
    channel.setBufferedAmountLowThreshold(PATH_LOW_WATER);
    channel.onBufferedAmountLow(() => this.#open && events.drained());
    channel.onMessage((message) => {
      if (!this.#open || typeof message === "string") return;
      events.message(bytesOf(message));
    });
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#events.closed(reason);
  }
}

/** Each message comes in memory of its own, which need not be copied; but a `Buffer`'s `slice` is no copy, so it is none. */
function bytesOf(message: ArrayBuffer | Uint8Array): Uint8Array {
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
}

/** libdatachannel wants credentials within the URL. */
function urlsOf({ urls, username, credential }: IceServer): string[] {
  if (username === undefined || credential === undefined) return urls;
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(credential)}`;
  return urls.map((url) => url.replace(/^(turns?):/, `$1:${login}@`));
}
