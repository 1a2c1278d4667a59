/**
 * One attempt at work: the pure steps of `attempt.ts` joined with a clock, a data channel,
 * and the link whose path it is to become.
 *
 * @module
 */
import { Alarm } from "../link/alarm.ts";
import type { Clock } from "../session/clock.ts";
import type { IceServer } from "../session/ice_servers.ts";
import type { AttemptFromPeer } from "../wire/attempt_protocol.ts";
import { compareBytes } from "../wire/cbor.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import {
  attemptDue,
  type AttemptEffect,
  type AttemptEvent,
  attemptId,
  type AttemptState,
  attemptStep,
  type Over,
  type Role,
} from "./attempt.ts";
import {
  LEAST_PACKET,
  type PathCandidate,
  type PathEvents,
  type PathHost,
  type PathTransport,
} from "./port.ts";
import type { Foreseen } from "./foresight.ts";
import { areNeighbours, type Candidate, inCheckOrder, isCandidate } from "./check_order.ts";
import {
  decodeWords,
  encodeWords,
  isHostCandidate,
  isReflexiveCandidate,
  MAX_CANDIDATES,
  type RtcEnd,
  type RtcEvents,
  type RtcStack,
  type Words,
} from "./rtc.ts";

/**
 * In place of the attempt's id, which only the grant tells: the asker's words for the
 * attempt that it is asking for. They travel beside the question, not behind its answer.
 */
export const ASKED: Uint8Array = new Uint8Array(16);

/** Milliseconds that the second of two neighbours waits for the first one's checks, which it is not behind a NAT to miss. */
const SECOND_PATIENCE = 150;

export interface PunchParts {
  readonly clock: Clock;
  readonly host: PathHost;
  readonly stack: RtcStack;
  /** Addresses of this machine itself are not told. */
  readonly hidesHosts: boolean;
  /** The own end whose offer went with the greeting: this side offers, whoever asks. */
  foreseen?: Foreseen | undefined;
  /** The other side's such offer: it offers. */
  offered?: Words | undefined;
  iceServers(): IceServer[];
  say(frame: AttemptFromPeer, broker: Key): void;
  over(punch: Punch, over: Over): void;
}

export class Punch {
  readonly host: PathHost;
  state: AttemptState;
  readonly #parts: PunchParts;
  readonly #broker: Key;
  /** Milliseconds of the clock. */
  readonly began: number;
  ended: number = Infinity;
  readonly #alarm: Alarm;
  #end: RtcEnd | undefined;
  #path: PathEvents | undefined;
  #candidate: PathCandidate | undefined;
  /** What the other side told: candidates wait for the moment to begin, all for the end to be made. */
  #told: Words[] = [];
  #described = false;
  /** Which of the two descriptions is this side's. */
  #describes: Role | undefined;
  /** The other side was told whatever matters. */
  #complete = false;
  #begun = false;
  #second: (() => void) | undefined;
  /** What went wrong here, in words. */
  trouble: string | undefined;
  readonly #own: Candidate[] = [];
  #candidatesTaken = 0;

  constructor(parts: PunchParts, broker: Key, state: AttemptState) {
    this.#parts = parts;
    this.host = parts.host;
    this.#broker = broker;
    this.began = parts.clock.now();
    this.#alarm = new Alarm(parts.clock, () => this.happen({ type: "tick", obstacle: this.#obstacle }));
    this.state = state;
  }

  get id(): Uint8Array | undefined {
    return attemptId(this.state);
  }

  /** Whether words with this id are about it. */
  concerns(id: Uint8Array): boolean {
    if (this.id && compareBytes(this.id, id) === 0) return true;
    return this.#role === "answerer" && compareBytes(ASKED, id) === 0;
  }

  happen(event: AttemptEvent): void {
    const { state, effects } = attemptStep(this.state, event, this.#parts.clock.now());
    this.state = state;
    this.perform(effects);
  }

  /** What the other side tells inside the link. */
  signalled(bytes: Uint8Array): void {
    const words = decodeWords(bytes);
    if (!words || this.state.phase === "over") return;
    if (words.type === "candidate" ? this.#candidatesTaken++ >= MAX_CANDIDATES : this.#described) return;
    this.#hear(words);
  }

  #hear(words: Words): void {
    if (words.type !== "candidate") this.#described = true;
    if (words.type === "offer" && this.#describes === "offerer") this.#giveWay();
    this.#told.push(words);
    this.#release();
  }

  /** The asker offers, so ours did not come with the greeting. */
  #giveWay(): void {
    this.#end?.close();
    this.#own.length = 0;
    this.#complete = false;
    this.#connect("answerer");
  }

  /** Another attempt takes its place: nothing is said, nothing is told. */
  drop(): void {
    this.state = { phase: "over", reason: Reason.superseded, verdict: false };
    this.#alarm.stop();
    this.#free("another attempt took its place");
  }

  perform(effects: AttemptEffect[]): void {
    for (const effect of effects) this.#act(effect);
    const { clock } = this.#parts;
    if (this.state.phase === "over") this.#alarm.stop();
    else this.#alarm.arm(attemptDue(this.state), clock.now());
  }

  get #role(): Role | undefined {
    return "terms" in this.state ? this.state.terms.role : undefined;
  }

  #act(effect: AttemptEffect): void {
    switch (effect.type) {
      case "say":
        return this.#parts.say(effect.frame, this.#broker);
      case "open":
        return this.#open(effect.role);
      case "begin":
        return this.#begin();
      case "over":
        this.ended = this.#parts.clock.now();
        if (effect.over.reason !== Reason.connected) this.#free(`the attempt ended`);
        return this.#parts.over(this, effect.over);
    }
  }

  /**
   * The offering end is the client in DTLS: what it sends to one that ICE has not connected
   * yet is lost, and repeated after a second. Behind NATs both must check at once, and half
   * a round trip lies between. In one network nothing does, but no check is lost there
   * either: so the answering end checks first, and its checks bring ours about.
   */
  #begin(): void {
    const candidates = this.#told.filter(isCandidate);
    const second = this.#describes === "offerer" && areNeighbours(candidates, this.#own);
    const begin = (): void => {
      this.#begun = true;
      this.#release();
    };
    if (second) this.#second = this.#parts.clock.after(SECOND_PATIENCE, begin);
    else begin();
  }

  /** Why there is no path, as far as this side can tell. */
  get #obstacle(): Reason {
    return this.#described && !this.#end?.paired ? Reason.noCandidatePair : Reason.timedOut;
  }

  /** Who asks offers, unless an offer came with the greeting. */
  #open(role: Role): void {
    const { foreseen, offered } = this.#parts;
    if (foreseen) {
      this.#describes = "offerer";
      this.#end = foreseen.end;
      if (role === "offerer") this.#tell(foreseen.offer!); // the other side did not ask when it was greeted
      foreseen.takenOver(this.#events);
    } else this.#connect(offered ? "answerer" : role);
    if (offered) this.#hear(offered);
    this.#release();
  }

  #connect(role: Role): void {
    const { stack, iceServers } = this.#parts;
    this.#describes = role;
    try {
      this.#end = stack.connect(role, iceServers(), this.#events);
    } catch { // a stack that refuses its configuration, or has no more sockets
      this.happen({ type: "failed", reason: Reason.noCandidatePair });
    }
  }

  get #events(): RtcEvents {
    return {
      words: (words) => this.#tell(words),
      gathered: () => this.#toldAll(),
      opened: () => this.#opened(),
      message: (bytes) => this.#path?.packet(bytes),
      drained: () => this.#path?.drained?.(),
      closed: (reason) => this.#closed(reason),
    };
  }

  /** Descriptions at once, so that both are ready; candidates when both begin. */
  #release(): void {
    const end = this.#end;
    if (!end) return;
    for (const words of this.#told) if (!isCandidate(words)) end.take(words);
    const candidates = this.#told.filter(isCandidate);
    const now = this.#begun && this.#described;
    this.#told = now ? [] : candidates;
    this.#getReady();
    if (now) { for (const words of inCheckOrder(candidates, this.#own)) end.take(words); }
  }

  #tell(words: Words): void {
    if (words.type === "candidate") {
      if (this.#parts.hidesHosts && isHostCandidate(words.candidate)) return;
      if (this.#own.push(words) > MAX_CANDIDATES) return;
    }
    const bytes = encodeWords(words);
    if (bytes) this.host.signal(this.id ?? ASKED, bytes);
    if (words.type === "candidate" && isReflexiveCandidate(words.candidate)) {
      this.#toldAll();
    }
  }

  #toldAll(): void {
    this.#complete = true;
    this.#getReady();
  }

  /**
   * An offer is answered before the other side may check: a check would open DTLS before
   * there is a fingerprint to hold its certificate against (RFC 8842 §5.1), and it would fail.
   */
  #getReady(): void {
    const answered = this.#described || this.#describes !== "offerer";
    if (this.#complete && answered) this.happen({ type: "gathered" });
  }

  #opened(): void {
    const why = `punched in ${Math.round(this.#parts.clock.now() - this.began)} ms`;
    this.#candidate = this.host.offer(
      (events) => {
        this.#path = events;
        return transportOf(this.#end!, why);
      },
      (outcome) => {
        if (outcome.kind === "validated") this.happen({ type: "validated" });
        else {
          this.trouble ??= outcome.kind === "failed" ? outcome.reason : "another path took its place";
          this.happen({ type: "failed", reason: Reason.timedOut });
        }
      },
    );
  }

  #closed(reason: string): void {
    const path = this.#path;
    this.#path = undefined;
    this.trouble ??= reason;
    if (path) path.closed(reason);
    this.happen({ type: "failed", reason: this.#obstacle });
  }

  /** The channel and all that belongs to it, on every outcome but `connected`. */
  #free(reason: string): void {
    this.#path = undefined;
    this.#second?.();
    this.#candidate?.withdraw(reason);
    this.#end?.close();
  }
}

function transportOf(end: RtcEnd, why: string): PathTransport {
  return {
    kind: "direct",
    why,
    maxPacket: LEAST_PACKET,
    copies: end.copies === true,
    get buffered() {
      return end.buffered;
    },
    send: (packet) => end.send(packet),
    close: () => end.close(),
  };
}
