/**
 * Questions for a record that is not known here: one node of those that listen answers, and nobody is
 * believed but the peer who signed it.
 *
 * @module
 */
import { compareBytes } from "../wire/cbor.ts";
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { misplaced } from "../mesh/presence_judge.ts";
import type { Place } from "../mesh/presence_types.ts";
import type { Clock } from "../session/clock.ts";
import { decodeControl, encodeFound, encodeLookup } from "../wire/frames.ts";
import { type HeldBytes, Reason } from "../wire/protocol.ts";
import { leftOf, verifyRecord } from "../wire/record.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { NatsLine } from "./nats_line.ts";
import type { NatsMessage, NatsPort } from "./nats_port.ts";
import type { NatsSubjects } from "./nats_subjects.ts";

/** Milliseconds that an answer may take: the asking peer waits about as long before it asks its other node. */
const PATIENCE = 1_000;
/** Questions under way at once: each is a few hundred bytes and a timer. */
const MOST = 256;

export interface NatsQuestionsOptions {
  network: string;
  clock: Clock;
  port: NatsPort;
  line: NatsLine;
  subjects: NatsSubjects;
  counts: MeshCounts;
  find: (peer: PeerId) => Place | undefined;
}

export class NatsQuestions {
  asked = 0;
  answered = 0;
  readonly #o: NatsQuestionsOptions;
  #underWay = 0;

  constructor(options: NatsQuestionsOptions) {
    this.#o = options;
  }

  async ask(peer: Uint8Array): Promise<HeldBytes | undefined> {
    const { line, port, subjects } = this.#o;
    if (!line.up || this.#underWay >= MOST) return undefined;
    this.asked++;
    this.#underWay++;
    const answer = await port.request(subjects.find, encodeLookup(0, peer), PATIENCE).catch(() => undefined);
    const held = answer && await this.#judge(answer, peer).catch(() => undefined);
    this.#underWay--;
    if (held) this.answered++;
    return held;
  }

  /** Another node asks. */
  hear({ data, reply }: NatsMessage): void {
    const { line, subjects, find, clock, counts } = this.#o;
    const frame = decodeControl(data);
    if (frame?.kind !== "lookup" || reply === undefined || !subjects.isReply(reply)) {
      return counts.refused("malformed");
    }
    const place = find(peerIdText(frame.peer));
    const held = place && { ...place.signed, left: leftOf(place.until, clock.wall()) };
    line.publish(reply, encodeFound(0, held ? Reason.none : Reason.absent, held ?? null));
  }

  async #judge(answer: Uint8Array, peer: Uint8Array): Promise<HeldBytes | undefined> {
    const { network, clock, counts } = this.#o;
    const frame = decodeControl(answer);
    if (frame?.kind !== "found") return void counts.refused("malformed");
    if (frame.record === null) return undefined;
    const now = clock.wall();
    const verdict = await verifyRecord(frame.record, { network, now });
    if (verdict.error !== undefined) return void counts.refused(verdict.error);
    const { record } = verdict;
    if (compareBytes(record.peer, peer) !== 0) return void counts.refused("wrong-peer");
    const until = now + Math.min(frame.record.left ?? record.expires - now, record.expires - record.issued);
    const origin = record.nodes[0];
    const wrong = origin ? misplaced({ record, until }, { network, origin, now }) : "wrong-node";
    if (wrong !== undefined) return void counts.refused(wrong);
    return { ...frame.record, left: leftOf(until, now) };
  }
}
