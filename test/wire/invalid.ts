/** Byte strings that every implementation refuses, each with the reason; `make_vectors.ts` writes them down. */
import { decode, encode, type Value } from "../../src/wire/cbor.ts";
import { hex, unhex } from "./notation.ts";

export interface Invalid {
  why: string;
  hex: string;
}

const invalid = ([why, hex]: [string, string]): Invalid => ({ why, hex: hex.replaceAll(" ", "") });

export const invalidItems: Invalid[] = ([
  ["nothing", ""],
  ["bytes after the item", "00 00"],
  ["23 in two bytes", "18 17"],
  ["255 in three bytes", "19 00ff"],
  ["65535 in five bytes", "1a 0000ffff"],
  ["2^32-1 in nine bytes", "1b 00000000ffffffff"],
  ["2^53: not exact as a double", "1b 0020000000000000"],
  ["2^64-1", "1b ffffffffffffffff"],
  ["a negative integer", "20"],
  ["reserved additional information 28", "1c"],
  ["a byte string cut off", "42 00"],
  ["a byte string's length not in shortest form", "58 01 00"],
  ["a byte string of 2^53-1 bytes", "5b 001fffffffffffff"],
  ["a byte string of indefinite length", "5f 41 00 ff"],
  ["a text of indefinite length", "7f 61 61 ff"],
  ["an array of indefinite length", "9f 00 ff"],
  ["a map of indefinite length", "bf ff"],
  ["a break alone", "ff"],
  ["text that is not UTF-8: a lone continuation byte", "61 80"],
  ["text that is not UTF-8: an overlong slash", "62 c0af"],
  ["text that is not UTF-8: a surrogate", "63 eda080"],
  ["text that is not UTF-8: above U+10FFFF", "64 f4908080"],
  ["text that is not UTF-8: cut off within a letter", "62 61c3"],
  ["text that begins with a byte order mark", "64 efbbbf61"],
  ["an array of 2^32-1 items", "9a ffffffff"],
  ["an array that lacks an item", "82 00"],
  ["an array's length not in shortest form", "98 01 00"],
  ["a map of 2^53-1 pairs", "bb 001fffffffffffff"],
  ["a map that lacks a value", "a1 61 61"],
  ["a map with a key that is not text", "a1 00 00"],
  ["a map with a key twice", "a2 6161 00 6161 00"],
  ["a map whose keys do not ascend", "a2 6162 00 6161 00"],
  ["a map with a longer key before a shorter one", "a2 626161 00 6162 00"],
  ["undefined", "f7"],
  ["simple value 16", "f0"],
  ["simple value 255", "f8 ff"],
  ["false in two bytes", "f8 14"],
  ["a half-precision float", "f9 3c00"],
  ["a single-precision float", "fa 3f800000"],
  ["a double-precision float", "fb 3ff0000000000000"],
  ["five containers within each other", "81 81 81 81 80"],
  ["deep nesting", "81".repeat(64) + "00"],
  ["tag 0, a date", "c0 60"],
  ["tag 2, a big number", "c2 49 010000000000000000"],
  ["tag 27, an object of the reader's language", "d8 1b 82 66 526567457870 61 61"],
  ["tags 28 and 29, a graph that contains itself", "d8 1c 82 d8 1d 00 d8 1d 00"],
  ["tag 51, packed values", "d8 33 82 80 00"],
  ["tag 64, a typed array", "d8 40 41 00"],
  ["tag 86, a typed array over a map with a length", "d8 56 a1 66 6c656e677468 1a 7fffffff"],
  ["tag 55799, self-described CBOR", "d9 d9f7 00"],
] as [string, string][]).map(invalid);

/** Well-formed CBOR that no reader accepts as a control frame. */
export function invalidFrames(
  valid: { hello: Uint8Array; auth: Uint8Array; welcome: Uint8Array },
): Invalid[] {
  const key = new Uint8Array(32).fill(5);
  const signature = new Uint8Array(64);
  const instance = new Uint8Array(16);
  const nonce = new Uint8Array(8);
  const url = "wss://example.org";
  const gone = (version: number): Value => [version, key, null, null];
  const entries: [string, Value][] = [
    ["not an array", 6],
    ["an empty array", []],
    ["a kind that is not an integer", ["6", nonce]],
    ["data in a form of its own: a key of 31 bytes", [0, key.subarray(1), nonce]],
    ["data with an element more", [0, key, nonce, 0]],
    ["forward with 24 hops", [1, 24, key, key, nonce]],
    ["hello without features", items(valid.hello).slice(0, -1)],
    ["hello with a node key of 33 bytes", items(valid.hello).with(2, new Uint8Array(33))],
    ["hello with a network name of 257 bytes", items(valid.hello).with(3, "n".repeat(257))],
    ["hello with a network name of 129 letters in 258 bytes", items(valid.hello).with(3, "é".repeat(129))],
    ["hello with a challenge of 31 bytes", items(valid.hello).with(4, new Uint8Array(31))],
    ["hello with 17 features", items(valid.hello).with(6, Array(17).fill("f"))],
    ["hello with a feature that is no text", items(valid.hello).with(6, [1])],
    ["auth with a signature of 63 bytes", items(valid.auth).with(2, signature.subarray(1))],
    ["auth with an array in place of the body's bytes", items(valid.auth).with(1, [])],
    ["auth with bytes after the body", items(valid.auth).with(1, join(items(valid.auth)[1], unhex("00")))],
    ["auth with role 2", withBody(valid.auth, 1, 2)],
    ["auth with an instance of 15 bytes", withBody(valid.auth, 2, instance.subarray(1))],
    ["auth with a start that is no integer", withBody(valid.auth, 3, null)],
    ["auth with a token of 4097 bytes", withBody(valid.auth, 9, "t".repeat(4097))],
    ["auth with a token that is no text", withBody(valid.auth, 9, false)],
    ["welcome with liveness 2", withBody(valid.welcome, 1, 2)],
    ["welcome that asks for a ping each millisecond", withBody(valid.welcome, 2, 1)],
    ["welcome that asks for no ping within an hour", withBody(valid.welcome, 2, 3_600_001)],
    ["welcome with 17 nodes", withBody(valid.welcome, 6, Array(17).fill(url))],
    ["welcome with a node that is no WebSocket URL", withBody(valid.welcome, 6, ["https://example.org"])],
    ["welcome with a STUN server that is no STUN URL", withBody(valid.welcome, 7, ["turn:example.org"])],
    ["bye with reason 1000", [5, 1000, "", []]],
    ["bye without a text", [5, 1]],
    ["bye with a node that is a file", [5, 2, "", ["file:///etc/passwd"]]],
    ["bye with 17 nodes", [5, 2, "", Array(17).fill(url)]],
    ["ping with a nonce of 7 bytes", [6, nonce.subarray(1)]],
    ["pong without a nonce", [7]],
    ["notice with a key of 31 bytes", [8, 32, key.subarray(1)]],
    ["publish with a signature of 65 bytes", [9, nonce, new Uint8Array(65)]],
    ["lookup with request 2^32", [10, 4_294_967_296, key]],
    ["found without a record for reason 0", [11, 0, 0, null, null]],
    ["found with a record and a reason against it", [11, 0, 32, nonce, signature]],
    ["greet with a URL that is no node's", [16, 1, ["https://example.org"], null]],
    ["greet with a mac of 31 bytes", [16, 1, [], key.subarray(1)]],
    ["greet without a mac or null", [16, 1, []]],
    ["members with a key of 31 bytes", [17, [[key.subarray(1), 1, 0, 0, []]]]],
    ["members with state 4", [17, [[key, 1, 0, 4, []]]]],
    ["members with 65 entries", [17, Array(65).fill([key, 1, 0, 0, []])]],
    ["members with a node of 17 URLs", [17, [[key, 1, 0, 0, Array(17).fill(url)]]]],
    ["members with an entry that is no array", [17, [key]]],
    ["probe with a nonce of bytes", [18, nonce, key]],
    ["probeAck without a target", [19, 1]],
    ["found that holds for more than a record lives", [11, 0, 0, nonce, signature, 300_001]],
    ["presence that holds for more than a record lives", [20, key, 1, 0, 1, [gone(1)], [300_001]]],
    ["presence with a signature of 63 bytes", [20, key, 1, 0, 1, [[1, key, nonce, signature.subarray(1)]]]],
    ["presence with a body and no signature", [20, key, 1, 0, 1, [[1, key, nonce, null]]]],
    ["presence with a body of 2049 bytes", [20, key, 1, 0, 1, [[1, key, new Uint8Array(2049), signature]]]],
    ["digest with answer 2", [21, 2, []]],
    ["digest with a point that lacks its version", [21, 0, [[key, 1]]]],
    ["digest with 257 points", [21, 0, Array(257).fill([key, 1, 1])]],
    ["edges with a signature of 65 bytes", [22, key, 1, 1, [], new Uint8Array(65)]],
    ["edges with a neighbour of 31 bytes", [22, key, 1, 1, [key.subarray(1)], signature]],
    ["edges with 257 neighbours", [22, key, 1, 1, Array(257).fill(key), signature]],
    ["undelivered with 24 hops", [23, 24, key, key, 32]],
    ["undelivered with reason 1000", [23, 0, key, key, 1000]],
    ["attemptTo with a frame of 129 bytes", [24, 0, key, key, new Uint8Array(129)]],
    ["attemptTo with 24 hops", [24, 24, key, key, nonce]],
    ["attemptFrom without a frame", [25, 0, key, key]],
    ["attempt with a peer of 31 bytes", [32, 0, key.subarray(1)]],
    ["granted with an attempt of 15 bytes", [33, 0, instance.subarray(1), 1, 1]],
    ["granted with a deadline of 60001 ms", [33, 0, instance, 60_001, 1]],
    ["denied for no reason", [34, 0, 0, 0]],
    ["invite without a broker", [35, instance, null, key, 1, 1]],
    ["answer held for 60001 ms", [36, instance, key, 0, 60_001]],
    ["start without a delay", [37, instance]],
    ["report of nothing", [38, instance, key, 0]],
    ["outcome with reason 1000", [39, instance, 1000, 0]],
    ["outcome of nothing", [39, instance, 0, 0]],
    ["presence with 257 entries", [20, key, 1, 0, 257, Array.from({ length: 257 }, (_, i) => gone(i + 1))]],
  ];
  return entries.map(([why, value]) => ({ why, hex: hex(encode(value)) }));
}

/** Frames whose fields contradict each other, which CDDL cannot say: refused by the code alone. */
export function contradictoryFrames(): Invalid[] {
  const key = new Uint8Array(32).fill(5);
  const gone = (version: number): Value => [version, key, null, null];
  const entries: [string, Value][] = [
    ["presence with fewer times than entries", [20, key, 1, 0, 1, [gone(1)], []]],
    ["presence that ends before it begins", [20, key, 1, 2, 1, []]],
    ["presence with a version at its beginning", [20, key, 1, 1, 2, [gone(1)]]],
    ["presence with a version behind its end", [20, key, 1, 1, 2, [gone(3)]]],
    ["presence with a version twice", [20, key, 1, 0, 2, [gone(1), gone(1)]]],
    ["presence whose versions do not ascend", [20, key, 1, 0, 2, [gone(2), gone(1)]]],
  ];
  return entries.map(([why, value]) => ({ why, hex: hex(encode(value)) }));
}

/** Messages whose every frame is refused, because one of them is. */
export function invalidBatches(ping: Uint8Array): Invalid[] {
  const good = hex(ping);
  const key = "05".repeat(32);
  return ([
    ["no frame", ""],
    ["a frame, then a lone integer", `${good} 06`],
    ["a frame, then an empty array", `${good} 80`],
    ["a frame, then an array that begins with text", `${good} 81 60`],
    ["a frame, then one byte of another", `${good} 82`],
    ["data whose key is cut off", `83 00 58 20 ${key.slice(2)}`],
    ["data without a payload", `83 00 58 20 ${key}`],
    ["data that claims more than the message holds", `83 00 58 20 ${key} 42 00`],
    ["data that claims 4 GiB", `83 00 58 20 ${key} 5a ffffffff 00`],
    ["data with a 64-bit length", `83 00 58 20 ${key} 5b 0000000000000001 00`],
    ["data whose length is not in shortest form (1 byte)", `83 00 58 20 ${key} 58 01 00`],
    ["data whose length is not in shortest form (2 bytes)", `83 00 58 20 ${key} 59 0001 00`],
    ["data whose length is not in shortest form (4 bytes)", `83 00 58 20 ${key} 5a 00000001 00`],
    ["data whose payload is text", `83 00 58 20 ${key} 61 61`],
    ["data whose payload has indefinite length", `83 00 58 20 ${key} 5f ff`],
    ["forward with 24 hops", `85 01 18 18 58 20 ${key} 58 20 ${key} 40`],
    ["forward with a source of 31 bytes", `85 01 00 58 1f ${key.slice(2)} 58 20 ${key} 40`],
    ["forward without a payload", `85 01 00 58 20 ${key} 58 20 ${key}`],
    ["a tag before a frame", `d9 d9f7 ${good}`],
    ["257 frames", "81 07".repeat(257)],
  ] as [string, string][]).map(invalid);
}

function items(frame: Uint8Array): Value[] {
  return decode(frame) as Value[];
}

function withBody(frame: Uint8Array, index: number, value: Value): Value[] {
  const body = items(items(frame)[1] as Uint8Array);
  return items(frame).with(1, encode(body.with(index, value)));
}

function join(a: Value | undefined, b: Uint8Array): Uint8Array {
  return new Uint8Array([...(a as Uint8Array), ...b]);
}
