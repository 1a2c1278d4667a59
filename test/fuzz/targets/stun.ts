/** STUN: the server against any datagram, and what reads answers of a server that lies. */
import { parseAddress } from "../../../src/stun/address.ts";
import type { Site } from "../../../src/stun/answer.ts";
import { Attribute, encodeMessage, Method, type RawAttribute } from "../../../src/stun/message.ts";
import { withFingerprint, withIntegrity } from "../../../src/stun/protection.ts";
import { StunServer } from "../../../src/stun/server.ts";
import { bindingRequest, readAnswer } from "../../../src/stun/transaction.ts";
import type { Dice } from "../../dice.ts";
import { sampleBytes } from "../../wire/cddl_samples.ts";
import { claim, type Target, type World } from "../target.ts";

const TRANSACTION = new Uint8Array(12).fill(7);
const ip = (text: string) => parseAddress(text, 0)!.ip;
const SITES: Site[] = [
  { addresses: [undefined], ports: [3478] },
  { addresses: [ip("192.0.2.1"), ip("192.0.2.2")], ports: [3478, 3479] },
];
const SOURCES = ["198.51.100.1", "2001:db8::1", "192.0.2.1", "::ffff:198.51.100.1"]
  .map((text) => parseAddress(text, 4711)!);
/** Bytes by which an answer may exceed its request (RFC 8489 leaves no way round): 24 over IPv6. */
const EXCESS = 24;

class StunWorld implements World {
  #now = 0;
  #turn = 0;
  readonly #server = new StunServer(() => this.#now);

  feed(datagram: Uint8Array): string {
    const turn = this.#turn++;
    this.#now += datagram.length === 0 ? 10_000 : 100;
    const arrival = { source: SOURCES[turn % 4]!, site: SITES[turn % 2]!, spot: { address: 0, port: 0 } };
    const answer = this.#server.receive(datagram, arrival);
    const size = answer?.bytes.length ?? 0;
    claim(size <= datagram.length || size <= 20 + EXCESS, `${size} bytes for ${datagram.length}`);
    return [answer?.outcome ?? "silence", readAnswer(datagram, TRANSACTION)?.type ?? "none"].join("/");
  }

  check(): void {
    const { datagrams, answers, drops } = this.#server.counts;
    const counted = [...Object.values(answers), ...Object.values(drops)].reduce(
      (sum, count) => sum + count,
      0,
    );
    claim(counted === datagrams, `${datagrams} datagrams, ${counted} of them counted with an outcome`);
  }
}

const TYPES = [...Object.values(Attribute), 0x7fff, 0x8000, 0xffff];
const CLASSES = ["request", "indication", "success", "error"] as const;

function attribute(dice: Dice): RawAttribute {
  const value = sampleBytes(dice, [0, 1, 4, 8, 20, 32, 255, 763][dice(8)]!);
  if (dice(2) === 0) value.set([0, 1 + dice(2)].slice(0, value.length)); // an address family
  return { type: TYPES[dice(TYPES.length)]!, value };
}

export const stun: Target = {
  name: "stun",
  inputsPerWorld: 500,
  begin: () => new StunWorld(),
  generate(dice) {
    if (dice(6) === 0) return [bindingRequest(TRANSACTION, { ip: dice(2) === 0, port: dice(2) === 0 })];
    const attributes = Array.from({ length: dice(8) }, () => attribute(dice));
    const kind = CLASSES[dice(CLASSES.length)]!;
    const message = encodeMessage({
      class: kind,
      method: Method.binding,
      transaction: TRANSACTION,
      attributes,
    });
    const keyed = dice(3) === 0 ? withIntegrity(message, new Uint8Array(16)) : message;
    return [dice(2) === 0 ? withFingerprint(keyed) : keyed];
  },
};
