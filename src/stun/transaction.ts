/**
 * The client's half of a Binding transaction over UDP: requests, the retransmission timers of RFC
 * 8489 §6.2.1, and what an answer says.
 *
 * @module
 */
import type { TransportAddress } from "./address.ts";
import {
  Attribute,
  attribute,
  decodeMessage,
  encodeMessage,
  isRequired,
  Method,
  type RawAttribute,
  type StunMessage,
} from "./message.ts";
import { checkFingerprint, withFingerprint } from "./protection.ts";
import { type Change, changeAttribute, readAddress, readErrorCode, readXorAddress } from "./values.ts";

/**
 * Says who asks (RFC 8489 §14.14) and fills the request to 104 bytes, so that even an answer with three IPv6
 * addresses and a fingerprint (100 bytes) is no larger. PADDING (RFC 5780 §7.6) would not do:
 * servers without it must refuse the request, those with it must pad their answer, too.
 */
const SOFTWARE = "waymeet; this text is padding: no answer should be larger".padEnd(72);

/** A Binding request with room for the whole answer. */
export function bindingRequest(transaction: Uint8Array, change?: Change): Uint8Array {
  const software = { type: Attribute.software, value: new TextEncoder().encode(SOFTWARE) };
  const attributes: RawAttribute[] = change ? [changeAttribute(change), software] : [software];
  return withFingerprint(
    encodeMessage({ class: "request", method: Method.binding, transaction, attributes }),
  );
}

/** What a server said. */
export type BindingAnswer =
  | {
    readonly type: "mapped";
    /** The asker's address as the server saw it. */
    readonly mapped: TransportAddress;
    /** The server's other address and port, if it has both (RFC 5780). */
    readonly other?: TransportAddress;
  }
  | { readonly type: "refused"; readonly code: number };

/** Reads an answer to the request with this transaction id; `undefined` when it is none. */
export function readAnswer(datagram: Uint8Array, transaction: Uint8Array): BindingAnswer | undefined {
  const message = decodeMessage(datagram);
  if (typeof message === "string" || message.method !== Method.binding) return undefined;
  if (!message.transaction.every((byte, i) => byte === transaction[i])) return undefined;
  const fingerprint = checkFingerprint(datagram);
  if (fingerprint === "wrong" || fingerprint === "misplaced") return undefined;
  if (message.class === "error") return refusal(message);
  return message.class === "success" && !message.attributes.some(isStrange) ? mapping(message) : undefined;
}

const UNDERSTOOD: ReadonlySet<number> = new Set(Object.values(Attribute));

/** An answer with a required attribute that is not understood is discarded (RFC 8489 §6.3.3). */
function isStrange({ type }: RawAttribute): boolean {
  return isRequired(type) && !UNDERSTOOD.has(type);
}

function refusal(message: StunMessage): BindingAnswer | undefined {
  const value = attribute(message, Attribute.errorCode);
  const code = value && readErrorCode(value);
  return code === undefined ? undefined : { type: "refused", code };
}

/** Servers of RFC 3489 send MAPPED-ADDRESS alone. */
function mapping(message: StunMessage): BindingAnswer | undefined {
  const xored = attribute(message, Attribute.xorMappedAddress);
  const plain = attribute(message, Attribute.mappedAddress);
  const mapped = xored ? readXorAddress(xored, message.transaction) : plain && readAddress(plain);
  const other = attribute(message, Attribute.otherAddress);
  return mapped && { type: "mapped", mapped, other: other && readAddress(other) };
}

/** When a request is sent again (RFC 8489 §6.2.1). */
export interface Retransmission {
  /** Milliseconds before the second sending; doubled each time. */
  readonly rto: number;
  /** Sendings in all. */
  readonly rc: number;
  /** Times `rto` to wait after the last one. */
  readonly rm: number;
}

/** The RFC's own: 0, 500, 1500, 3500, 7500, 15500, 31500 ms, given up after 39.5 s. */
export const RETRANSMISSION: Retransmission = { rto: 500, rc: 7, rm: 16 };

/** Milliseconds from the start: each sending, then the end. */
export function schedule({ rto, rc, rm }: Retransmission): number[] {
  const sendings = Array.from({ length: rc }, (_, i) => rto * (2 ** i - 1));
  return [...sendings, sendings.at(-1)! + rm * rto];
}

/** UDP as a client needs it. */
export interface DatagramPort {
  /** Sends, or loses it: MUST NOT throw. */
  send(datagram: Uint8Array, to: TransportAddress): void;
  /** Called for each datagram that arrives. */
  receive: (datagram: Uint8Array, from: TransportAddress) => void;
}

/** As much of a clock as a transaction needs; `Clock` of the session layer has it. */
export interface Timers {
  now(): number;
  /** Runs once after `delay` ms; MUST NOT run after the returned function was called. */
  after(delay: number, run: () => void): () => void;
}

/** An answer, where it came from, and after how long (milliseconds, from the last sending). */
export type Exchange = BindingAnswer & { readonly from: TransportAddress; readonly rtt: number };

interface Pending {
  readonly transaction: Uint8Array;
  sent: number;
  settle(exchange: Exchange | undefined): void;
}

/** Asks STUN servers from one socket, so that they all see the same mapping. */
export class StunClient {
  readonly #port: DatagramPort;
  readonly #timers: Timers;
  readonly #random: (length: number) => Uint8Array;
  readonly #pending = new Set<Pending>();

  /** `random` MUST be cryptographic: the transaction id is all that keeps strangers from answering. */
  constructor(port: DatagramPort, timers: Timers, random: (length: number) => Uint8Array) {
    this.#port = port;
    this.#timers = timers;
    this.#random = random;
    port.receive = (datagram, from) => this.#received(datagram, from);
  }

  /** Resolves with the answer, or `undefined` when none came until the end of the schedule. */
  ask(
    server: TransportAddress,
    { change, timing = RETRANSMISSION }: { change?: Change; timing?: Retransmission } = {},
  ): Promise<Exchange | undefined> {
    const transaction = this.#random(12);
    const request = bindingRequest(transaction, change);
    return new Promise((resolve) => {
      const settle = (exchange: Exchange | undefined) => {
        this.#pending.delete(pending);
        for (const cancel of cancels) cancel();
        resolve(exchange);
      };
      const pending: Pending = { transaction, sent: 0, settle };
      const send = () => {
        pending.sent = this.#timers.now();
        this.#port.send(request, server);
      };
      const times = schedule(timing);
      const end = this.#timers.after(times.at(-1)!, () => settle(undefined));
      const cancels = [end, ...times.slice(1, -1).map((at) => this.#timers.after(at, send))];
      this.#pending.add(pending);
      send();
    });
  }

  #received(datagram: Uint8Array, from: TransportAddress): void {
    for (const pending of this.#pending) {
      const answer = readAnswer(datagram, pending.transaction);
      if (answer === undefined) continue;
      return pending.settle({ ...answer, from, rtt: this.#timers.now() - pending.sent });
    }
  }
}
