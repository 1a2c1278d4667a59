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
import {
  decodeWords,
  encodeWords,
  isHostCandidate,
  isReflexiveCandidate,
  MAX_CANDIDATES,
  type RtcEnd,
  type RtcStack,
  type Words,
} from "./rtc.ts";

/**
 * In place of the attempt's id, which only the grant tells: the asker's words for the
 * attempt that it is asking for. They travel beside the question, not behind its answer.
 */
export const ASKED: Uint8Array = new Uint8Array(16);

export interface PunchParts {
  readonly clock: Clock;
  readonly host: PathHost;
  readonly stack: RtcStack;
  /** Addresses of this machine itself are not told. */
  readonly hidesHosts: boolean;
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
  #begun = false;
  #paired = false;
  /** What went wrong here, in words. */
  trouble: string | undefined;
  #candidatesSent = 0;
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
    if (words.type !== "candidate") this.#described = true;
    this.#told.push(words);
    this.#release();
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
        this.#begun = true;
        return this.#release();
      case "over":
        this.ended = this.#parts.clock.now();
        if (effect.over.reason !== Reason.connected) this.#free(`the attempt ended`);
        return this.#parts.over(this, effect.over);
    }
  }

  /** Why there is no path, as far as this side can tell. */
  get #obstacle(): Reason {
    return this.#described && !this.#paired ? Reason.noCandidatePair : Reason.timedOut;
  }

  #open(role: Role): void {
    const { stack, iceServers } = this.#parts;
    try {
      this.#end = stack.connect(role, iceServers(), {
        words: (words) => this.#tell(words),
        gathered: () => this.happen({ type: "gathered" }),
        paired: () => this.#paired = true,
        opened: () => this.#opened(),
        message: (bytes) => this.#path?.packet(bytes),
        drained: () => this.#path?.drained?.(),
        closed: (reason) => this.#closed(reason),
      });
    } catch { // a stack that refuses its configuration, or has no more sockets
      return this.happen({ type: "failed", reason: Reason.noCandidatePair });
    }
    this.#release();
  }

  /** Descriptions at once, so that both are ready; candidates when both begin. */
  #release(): void {
    const end = this.#end;
    if (!end) return;
    const ready = this.#told.filter(({ type }) => type !== "candidate" || (this.#begun && this.#described));
    this.#told = this.#told.filter((words) => !ready.includes(words));
    ready.sort((a, b) => Number(a.type === "candidate") - Number(b.type === "candidate"));
    for (const words of ready) end.take(words);
  }

  #tell(words: Words): void {
    if (words.type === "candidate") {
      if (this.#parts.hidesHosts && isHostCandidate(words.candidate)) return;
      if (this.#candidatesSent++ >= MAX_CANDIDATES) return;
    }
    const bytes = encodeWords(words);
    if (bytes) this.host.signal(this.id ?? ASKED, bytes);
    if (words.type === "candidate" && isReflexiveCandidate(words.candidate)) {
      this.happen({ type: "gathered" });
    }
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
    this.#candidate?.withdraw(reason);
    this.#end?.close();
  }
}

function transportOf(end: RtcEnd, why: string): PathTransport {
  return {
    kind: "direct",
    why,
    maxPacket: LEAST_PACKET,
    get buffered() {
      return end.buffered;
    },
    send: (packet) => end.send(packet),
    close: () => end.close(),
  };
}
