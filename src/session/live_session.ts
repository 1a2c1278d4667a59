/**
 * A session that lives: it joins the pure steps (handshake, lifecycle, liveness) with a
 * socket and a clock. Both drivers use it; only the handshake's tasks differ.
 *
 * @module
 */
import { hex } from "../identity/hex.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { dataEnd, dataRunEnd, isData } from "../wire/data_frame.ts";
import { isForward } from "../wire/forward_frame.ts";
import { type DecodeControl, encodePing, encodePong } from "../wire/frames.ts";
import { type AuthBody, type Control, type Hello, Reason, type WelcomeBody } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { checkBatch, frameEnd } from "../wire/sequence.ts";
import type { Clock } from "./clock.ts";
import { type Effect, type Event, type Life, lifeStep, READY, type Terms } from "./lifecycle.ts";
import { asks, type LivenessEvent, type LivenessState, livenessStep, newLiveness } from "./liveness.ts";
import {
  type Negotiation,
  publicState,
  type Settlement,
  type State,
  type Surroundings,
} from "./negotiation.ts";
import { Outbox } from "./outbox.ts";
import type { Session, SessionEnd, SessionHandlers, SessionState } from "./session.ts";
import type { Socket, SocketHandlers } from "./socket.ts";
import type { Ticked, Ticker } from "./ticker.ts";
import { type Gathered, type Settling, SHORT, type Turn } from "./turn.ts";

const UNPROVEN = new Uint8Array(0);

/** The one implementation of {@link Session}. Fields are few: a node holds thousands of these. */
export class LiveSession implements Session, SocketHandlers, Ticked, Settling {
  // What each data frame needs comes first, so that it lies in one line of the processor's cache.
  #state: State = { name: "opening" };
  #socket: Socket | undefined;
  readonly #handlers: SessionHandlers;
  #heard = false;
  readonly #turn: Turn | undefined;
  #gathered: Gathered | undefined;
  turn = -1;
  loneTurns = 0;
  /** Whether something may wait in the outbox. */
  #posted = false;
  readonly #outbox: Outbox = new Outbox();
  remoteKey: Uint8Array = UNPROVEN;
  remote: PeerId = "" as PeerId;
  id = "";
  hello: Hello | undefined;
  welcome: WelcomeBody | undefined;
  auth: AuthBody | undefined;
  challenge: Uint8Array | undefined;
  readonly #clock: Clock;
  readonly #random: (length: number) => Uint8Array;
  readonly #decode: DecodeControl;
  readonly #onError: (error: unknown) => void;
  #negotiation: Negotiation | undefined;
  #liveness: LivenessState | undefined;
  #ticker: Ticker | undefined;
  #slot = 0;
  #cancel: (() => void) | undefined;

  constructor(around: Surroundings, negotiation: Negotiation, deadline: number) {
    this.#clock = around.clock; // not `around` itself: it holds what only the handshake needs
    this.#random = around.random;
    this.#handlers = around.handlers;
    this.#decode = negotiation.decode;
    this.#onError = around.onError ?? console.error;
    this.#turn = around.turn;
    this.#negotiation = negotiation;
    this.#arm(deadline); // for the socket to open
  }

  get state(): SessionState {
    return publicState(this.#state);
  }
  get silent(): boolean {
    return this.#state.name === "opening" || this.#state.name === "auth";
  }
  get rtt(): number | undefined {
    return this.#liveness?.rtt;
  }
  get pingsSent(): number {
    return this.#liveness?.sent ?? 0;
  }
  get pongsMatched(): number {
    return this.#liveness?.matched ?? 0;
  }
  get copies(): boolean {
    return this.#socket?.copies === true;
  }
  get buffered(): number {
    return this.#socket?.buffered ?? 0;
  }

  send(frame: Uint8Array): number {
    if (this.#state !== READY) return -1;
    this.settle();
    this.#post(frame);
    return this.buffered + this.#outbox.size;
  }

  sendBatch(batch: Uint8Array): number {
    if (this.#state !== READY) return -1;
    this.settle();
    this.#flush();
    return this.#socket!.send(batch);
  }

  gathers(size: number): boolean {
    return this.#turn !== undefined && this.#state === READY && size <= SHORT && !this.#turn.isLone(this);
  }

  gather(batch: Uint8Array, frames: number): void {
    if (this.#gathered?.fits(batch.length, frames) === false) this.settle();
    if (this.#gathered === undefined) this.#flush();
    this.#gathered ??= this.#turn!.begin(this);
    this.#gathered.add(batch, frames);
  }

  settle(): void {
    const gathered = this.#gathered;
    if (gathered === undefined) return;
    this.#gathered = undefined;
    try {
      const { frames } = gathered;
      const batch = gathered.bytes(this.copies ? this.#turn!.scratch : undefined);
      const waiting = this.#socket!.send(batch);
      this.#turn!.done(gathered);
      this.#handlers.left?.(this, batch, frames, waiting);
    } catch (error) {
      this.crash(error);
    }
  }

  probe(patience: number): void {
    if (this.#state !== READY || !asks(this.#liveness!.style)) return;
    const { matched } = this.#liveness!;
    this.#heard = false;
    this.ask();
    this.#disarm();
    this.#cancel = this.#clock.after(patience, () => {
      if (this.#state !== READY || this.#heard || this.#liveness!.matched > matched) return;
      const text = `no answer for ${patience} ms`;
      this.feed({ type: "close", reason: Reason.pingTimeout, text, nodes: [] });
    });
  }

  ask(): void {
    if (this.#state === READY) this.#live({ type: "ask", nonce: this.#random(8) });
  }

  close(reason: Reason, text: string = reasonName(reason), nodes: string[] = []): void {
    this.#handle({ type: "close", reason, text, nodes });
  }

  /** The socket that carries this session. */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.#outbox.socket = socket;
  }

  open(): void {
    this.feed({ type: "open", wall: this.#clock.wall() });
    this.#flush(); // now: the answer to the upgrade may still wait for it, and one packet holds both
  }

  /** Takes an event from outside; what the program did wrong ends this session, never the process. */
  feed(event: Event): void {
    try {
      this.#handle(event);
    } catch (error) {
      this.crash(error);
    }
  }

  message(message: Uint8Array | string): void {
    try {
      if (this.#state !== READY) this.#handle({ type: "message", message });
      else if (typeof message === "string") this.#live({ type: "text", text: message });
      else this.#readMessage(message);
    } catch (error) {
      this.crash(error);
    }
  }

  drain(): void {
    if (this.#state === READY) this.#tell(() => this.#handlers.drain?.(this));
  }

  closed(code: number, text: string): void {
    this.feed({ type: "socketClosed", code, text });
  }

  tick(): void {
    try {
      if (this.#state !== READY) return;
      const heard = this.#heard;
      this.#heard = false;
      this.#live({ type: "tick", nonce: this.#random(8), heard });
    } catch (error) {
      this.crash(error);
    }
  }

  /** Reports what was thrown and ends the session; never throws. */
  crash(error: unknown): void {
    try {
      this.#onError(error);
    } catch {
      // a reporter that fails leaves nobody to tell
    }
    this.#handle({ type: "close", reason: Reason.internalError, text: "internal error", nodes: [] });
  }

  #handle(event: Event): void {
    const before = this.#state;
    const { state, effects } = this.#negotiation?.step(before, event) ?? lifeStep(before as Life, event);
    this.#state = state;
    if (before === READY && state.name === "draining") {
      this.#tell(() => this.#handlers.leaving?.(this, state.end));
    }
    for (const effect of effects) this.#act(effect);
  }

  #act(effect: Effect): void {
    switch (effect.type) {
      case "send":
        this.settle();
        return effect.frames.forEach((frame) => this.#post(frame));
      case "arm":
        return this.#arm(effect.delay);
      case "disarm":
        return this.#disarm();
      case "ready":
        return this.#begin(effect.terms);
      case "deliver":
        return effect.messages.forEach((message) => this.message(message));
      case "shut":
        return this.#shut(effect.code, effect.text);
      case "terminate":
        return this.#socket?.terminate();
      case "closed":
        return this.#end(effect.end);
      default:
        this.#negotiation!.perform(effect).then((event) => this.feed(event), (error) => this.crash(error));
    }
  }

  #arm(delay: number): void {
    this.#disarm();
    this.#cancel = this.#clock.after(delay, () => {
      this.#cancel = undefined;
      this.feed({ type: "deadline" });
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Goes on where an earlier process stopped: nobody is told, for nothing happened. */
  resume(settlement: Settlement): void {
    this.#disarm();
    this.#state = READY;
    this.#settle(settlement);
  }

  #begin(terms: Terms): void {
    const settlement = this.#negotiation!.settle(terms);
    this.#settle(settlement);
    this.#tell(() => this.#handlers.ready(this));
    if (settlement.eager && asks(settlement.style)) this.tick();
  }

  #settle({ session, style, ticker, remoteKey, remote, hello, welcome, auth, challenge }: Settlement): void {
    this.#negotiation = undefined;
    this.remoteKey = remoteKey;
    this.remote = remote;
    this.hello = hello;
    this.welcome = welcome;
    this.auth = auth;
    this.challenge = challenge;
    this.id = hex(session);
    this.#liveness = newLiveness(style, ticker.interval, this.#clock.now());
    if (asks(style)) {
      this.#ticker = ticker;
      this.#slot = ticker.join(this);
    }
  }

  #post(frame: Uint8Array): void {
    this.#posted = true;
    this.#outbox.add(frame);
  }

  #flush(): void {
    if (!this.#posted) return;
    this.#posted = false;
    this.#outbox.flush();
  }

  #shut(code: number, text: string): void {
    this.settle();
    this.#flush();
    if (this.#negotiation?.tells?.() === false) this.#socket?.terminate();
    else this.#socket?.close(code, text);
  }

  #end(end: SessionEnd): void {
    this.#ticker?.leave(this, this.#slot);
    this.#negotiation = undefined;
    this.settle();
    this.#outbox.clear();
    this.#tell(() => this.#handlers.closed(this, end));
  }

  /** Every call of the owner's code but the hot one goes through here. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.crash(error);
    }
  }

  #readMessage(message: Uint8Array): void {
    if (checkBatch(message) < 0) return this.#refuse("malformed frames");
    try {
      this.#readFrames(message);
    } finally {
      this.#handlers.endOfMessage?.(this); // others wait for what was gathered, however this ended
    }
  }

  #readFrames(message: Uint8Array): void {
    const handlers = this.#handlers;
    const dataStep = handlers.inRuns ? dataRunEnd : dataEnd;
    for (let offset = 0; offset < message.length && this.#state === READY;) {
      const isForPeer = isData(message, offset);
      const end = isForPeer ? dataStep(message, offset) : frameEnd(message, offset); // before it is overwritten
      if (isForPeer) {
        this.#heard = true;
        handlers.data(this, message, offset, end);
      } else if (isForward(message, offset)) {
        this.#heard = true;
        handlers.forward?.(this, message, offset, end);
      } else this.#readControl(this.#decode(message.slice(offset, end))); // a copy: a view of few bytes costs Bun more
      offset = end;
    }
  }

  #readControl(frame: Control | undefined): void {
    switch (frame?.kind) {
      case "ping":
      case "pong":
        return this.#live({ type: frame.kind, nonce: frame.nonce });
      case "bye":
        return this.#handle({ type: "bye", bye: frame });
      case "unknown":
        return;
      case undefined:
      case "hello":
      case "auth":
      case "welcome":
        return this.#refuse(`${frame?.kind ?? "a malformed frame"} in a session that is ready`);
      default:
        this.#heard = true;
        return this.#handlers.control(this, frame!);
    }
  }

  #refuse(text: string): void {
    this.#handle({ type: "close", reason: Reason.protocolError, text, nodes: [] });
  }

  #live(event: LivenessEvent): void {
    const { state, effects } = livenessStep(this.#liveness!, event, this.#clock.now());
    const answered = state.matched > this.#liveness!.matched;
    this.#liveness = state;
    if (answered) this.#tell(() => this.#handlers.measured?.(this, state.sample!));
    for (const effect of effects) {
      if (effect.type === "ping") this.#post(encodePing(effect.nonce));
      else if (effect.type === "pong") this.#post(encodePong(effect.nonce));
      else if (effect.type === "text") this.#socket!.send(effect.text);
      else this.#handle({ type: "close", reason: effect.reason, text: effect.text, nodes: [] });
    }
  }
}
