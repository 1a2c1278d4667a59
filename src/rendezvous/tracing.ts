/**
 * Spans of what a node does, through the OpenTelemetry API: without an SDK in the process, which
 * `waymeet serve --otlp` brings, each of these calls does nothing.
 *
 * A span is made when what it tells of is over, so that whoever is served carries nothing of it.
 *
 * @module
 */
import {
  type Attributes,
  type ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Clock } from "../session/clock.ts";
import { Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { VERSION_TEXT } from "../wire/version.ts";
import type { NodeEventDetail } from "./events.ts";

/** Of so many relayed messages one has a span: a span costs about what relaying ten frames does. */
export const FORWARD_SAMPLE = 1_024;

export class Tracing {
  readonly #clock: Clock;
  readonly #node: Attributes;
  #untilForward = 1;

  constructor(clock: Clock, node: { id: string; network: string }) {
    this.#clock = clock;
    this.#node = { "waymeet.node": node.id, "waymeet.network": node.network };
  }

  /** A handshake that began at `began`, on the node's clock, is over. */
  handshake(began: number, { peer, address, agent, session, reason, text }: NodeEventDetail): void {
    if (tracer() === undefined) return;
    const attributes = {
      "waymeet.peer": peer,
      "waymeet.session": session,
      "waymeet.reason": reason,
      "client.address": address,
      "user_agent.original": agent,
    };
    this.#over("waymeet.handshake", began, attributes, reason === reasonName(Reason.none) ? undefined : text);
  }

  /** An attempt had its outcome after so many milliseconds. */
  attempt(outcome: Reason, milliseconds: number): void {
    const attributes = { "waymeet.outcome": reasonName(outcome) };
    const failure = outcome === Reason.connected ? undefined : reasonName(outcome);
    this.#over("waymeet.attempt", this.#clock.now() - milliseconds, attributes, failure);
  }

  /** Whether the message that is about to be relayed is one of those that get a span: then its time, else `undefined`. */
  forwardBegins(): number | undefined {
    if (--this.#untilForward > 0) return undefined;
    this.#untilForward = FORWARD_SAMPLE;
    return this.#clock.now();
  }

  forwarded(began: number, frames: number, bytes: number, dropped: number): void {
    const attributes = {
      "waymeet.frames": frames,
      "waymeet.bytes": bytes,
      "waymeet.dropped": dropped,
      "waymeet.sample": FORWARD_SAMPLE,
    };
    this.#over("waymeet.forward", began, attributes, undefined);
  }

  #over(name: string, began: number, attributes: Attributes, failure: string | undefined): void {
    const { wall, now } = this.#clock;
    const end = wall();
    const startTime = end - (now() - began);
    const options = { kind: SpanKind.SERVER, startTime, attributes: { ...this.#node, ...attributes } };
    const span = tracer()?.startSpan(name, options);
    if (failure !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span?.end(end);
  }
}

/** `undefined`: nobody has brought an SDK. One may come, and go, at any time. */
function tracer(): Tracer | undefined {
  const provider = trace.getTracerProvider() as
    & Partial<ProxyTracerProvider>
    & Pick<ProxyTracerProvider, "getTracer">;
  return provider.getDelegateTracer
    ? provider.getDelegateTracer("waymeet", VERSION_TEXT)
    : provider.getTracer("waymeet", VERSION_TEXT);
}
