/**
 * What a node tells the program that runs it.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import type { PeerId } from "../identity/peer_id.ts";

/**
 * - `established`: a peer has a session.
 * - `lost`: it has none any more; `reason` says why.
 * - `failed`: a handshake broke off before the peer proved who it is.
 * - `refused`: the peer proved who it is and was turned away.
 * - `banned`: the operator banned a peer.
 */
export type NodeEventType = "established" | "lost" | "failed" | "refused" | "banned";

export interface NodeEventDetail {
  /** Proven for `established`, `lost` and `refused`, otherwise a claim. */
  peer: PeerId;
  /** As the node saw it; `""` when the runtime does not tell. */
  address: string;
  /** The peer's own word on its software, without control characters. */
  agent: string;
  /** 32 hex digits, the same in the peer's log; `""` when it never had one. */
  session: string;
  /** Name of a reason code, such as `ping-timeout`; `none` for `established`. */
  reason: string;
  /** The reason in words, possibly the peer's own. */
  text: string;
}

export class NodeEvent extends Event implements NodeEventDetail {
  declare readonly type: NodeEventType;
  readonly peer: PeerId;
  readonly address: string;
  readonly agent: string;
  readonly session: string;
  readonly reason: string;
  readonly text: string;

  constructor(type: NodeEventType, detail: NodeEventDetail) {
    super(type);
    this.peer = detail.peer;
    this.address = detail.address;
    this.agent = detail.agent;
    this.session = detail.session;
    this.reason = detail.reason;
    this.text = detail.text;
  }
}

export function logEvent(log: Logger, type: NodeEventType, detail: NodeEventDetail): void {
  if (!log.isEnabledFor("info")) return;
  const properties = { event: type, ...detail };
  if (type === "established") log.info("established {peer} {session} {agent} from {address}", properties);
  else log.info("{event} {peer} {session}: {reason} {text}", properties);
}

/** A listener for {@link NodeEvent}s, as a function or an object. */
export type NodeListener = ((event: NodeEvent) => void) | { handleEvent(event: NodeEvent): void };

/** An `EventTarget` of node events. */
export interface NodeEventTarget {
  addEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: EventListenerOptions | boolean,
  ): void;
}

/**
 * An `EventTarget` whose listeners hurt nobody else: what one throws would end the process on
 * Bun, Deno and Node, with every peer on it (HTML §8.1.3.9 only asks to report it).
 */
export class GuardedTarget extends EventTarget implements NodeEventTarget {
  readonly #guards = new WeakMap<NodeListener, EventListener>();
  readonly #heard = new Set<NodeEventType>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    super();
    this.#report = report;
  }

  override addEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: AddEventListenerOptions | boolean,
  ): void {
    this.#heard.add(type);
    super.addEventListener(type, this.#guard(listener), options);
  }

  /** False when nobody ever listened to events of this type: making one costs more than asking. */
  hears(type: NodeEventType): boolean {
    return this.#heard.has(type);
  }

  override removeEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: EventListenerOptions | boolean,
  ): void {
    super.removeEventListener(type, this.#guard(listener), options);
  }

  /** One guard for each listener, so that what is added twice runs once, and what is removed is gone. */
  #guard(listener: NodeListener | null): EventListener | null {
    if (listener === null) return null;
    const known = this.#guards.get(listener);
    if (known) return known;
    const guard = (event: Event): void => void this.#call(listener, event as NodeEvent);
    this.#guards.set(listener, guard);
    return guard;
  }

  /** A listener may be an async function, whose rejection would end a process as well. */
  async #call(listener: NodeListener, event: NodeEvent): Promise<void> {
    try {
      await (typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event));
    } catch (error) {
      this.#report(error);
    }
  }
}

/** Longest text of a stranger that goes into logs and events, characters. */
const MAX_TIDY = 200;

/** A stranger's text, made safe for a log line and a terminal: no control or formatting characters, bounded. */
export function tidy(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
  return plain.length > MAX_TIDY ? `${plain.slice(0, MAX_TIDY)}…` : plain;
}
