import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import type { Place } from "../../src/mesh/presence_types.ts";
import { Forwarding } from "../../src/rendezvous/forwarding.ts";
import { MeshCounts } from "../../src/rendezvous/mesh_options.ts";
import { NodeMetrics } from "../../src/rendezvous/metrics.ts";
import { nodeLimits } from "../../src/rendezvous/node_limits.ts";
import type { NodeLink } from "../../src/rendezvous/node_link.ts";
import { Registry, Seat } from "../../src/rendezvous/registry.ts";
import type { Session } from "../../src/session/session.ts";
import { encodeData, PEER_OFFSET } from "../../src/wire/data_frame.ts";
import { encodeForward } from "../../src/wire/forward_frame.ts";
import { decodeControl, encodeUndelivered } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { concatFrames } from "../../src/wire/sequence.ts";

const key = (number: number) => new Uint8Array(32).fill(number);
const id = (number: number) => peerIdText(key(number));
const [HERE, ONE, TWO] = [id(1), id(2), id(3)];
const payload = fc.nat({ max: 300 }).map((size) => new Uint8Array(size).fill(size));
const payloads = fc.array(payload, { minLength: 1, maxLength: 5 });
const bytes = (...values: number[]) => Uint8Array.from(values);

/** A node with two neighbours, where presence is what the test says. To nodes of `distances` the way leads through ONE. */
function scene(places: Record<PeerId, PeerId[]>, distances: Record<PeerId, number> = {}) {
  const sent: [PeerId, Uint8Array][] = [];
  const session = (remote: PeerId) => ({
    remote,
    state: "ready",
    buffered: 0,
    send: (frame: Uint8Array) => sent.push([remote, frame]) * 0,
    sendBatch: (batch: Uint8Array) => sent.push([remote, batch.slice()]) * 0,
    gathers: () => false,
  } as unknown as Session);
  const links = new Map([ONE, TWO].map((node) => {
    const link = {
      remote: node,
      session: session(node),
      waiting: 0,
      post(size: number, _frames: number, write: (bytes: Uint8Array) => void) {
        const batch = new Uint8Array(size);
        write(batch);
        return link.session.sendBatch(batch);
      },
    };
    return [node, link as unknown as NodeLink];
  }));
  const find = (peer: PeerId) => places[peer] && { nodes: places[peer] } as unknown as Place;
  const registry = new Registry();
  const forwarding = new Forwarding({
    id: HERE,
    registry,
    limits: nodeLimits(),
    metrics: new NodeMetrics(),
    counts: new MeshCounts(),
    presence: { find, watch: find, unwatch() {} },
    hop: (node) => links.get(node) ?? (node in distances ? links.get(ONE) : undefined),
    distance: (node) => distances[node]!,
    doubts: () => false,
    wall: () => 0,
  });
  const seat = (number: number) => {
    const seat = new Seat(key(number), session(id(number)));
    registry.add(seat);
    return seat;
  };
  const arrive = (from: PeerId, ...frames: Uint8Array[]) => {
    const message = concatFrames(frames);
    for (let start = 0, i = 0; i < frames.length; start += frames[i++]!.length) {
      forwarding.forward(links.get(from)!, message, start, start + frames[i]!.length);
    }
    forwarding.endOfMessage(links.get(from)!);
  };
  return { forwarding, links, sent, seat, arrive };
}

describe("forwarding", () => {
  it("sends the frames of one message to one neighbour as one message", () => {
    const { forwarding, sent, seat } = scene({ [id(11)]: [ONE], [id(12)]: [ONE] });
    const source = seat(10);
    const frames = [encodeData(key(11), bytes(1)), encodeData(key(12), bytes(2, 2))];
    const message = concatFrames(frames);
    const end = frames[0]!.length;
    assert.equal(forwarding.data(source, message, 0, end, 1), Reason.none);
    assert.equal(forwarding.data(source, message, end, message.length, 1), Reason.none);
    forwarding.flush(source, message, () => assert.fail());
    const expected = concatFrames([
      encodeForward(1, key(10), key(11), bytes(1)),
      encodeForward(1, key(10), key(12), bytes(2, 2)),
    ]);
    assert.deepEqual(sent, [[ONE, expected]]);
  });

  it("sends frames that follow each other to one peer as forward frames of each, whatever their sizes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(11, 12), payloads), { minLength: 1, maxLength: 4 }),
        (runs) => {
          const { forwarding, sent, seat } = scene({ [id(11)]: [ONE], [id(12)]: [ONE] });
          const source = seat(10);
          const parts = runs.map(([to, run]) =>
            concatFrames(run.map((payload) => encodeData(key(to), payload)))
          );
          const message = concatFrames(parts);
          let start = 0;
          for (const [i, part] of parts.entries()) {
            const end = start + part.length;
            assert.equal(forwarding.data(source, message, start, end, runs[i]![1].length), Reason.none);
            start = end;
          }
          forwarding.flush(source, message, () => assert.fail());
          const frames = runs.flatMap(([to, run]) =>
            run.map((each) => encodeForward(1, key(10), key(to), each))
          );
          assert.deepEqual(sent, [[ONE, concatFrames(frames)]]);
        },
      ),
    );
  });

  it("refuses each frame of those that a neighbour's socket does not take", () => {
    const { forwarding, links, seat } = scene({ [id(11)]: [ONE] });
    Object.assign(links.get(ONE)!, { post: () => -1 });
    const source = seat(10);
    const message = concatFrames([1, 2, 3].map((n) => encodeData(key(11), new Uint8Array(n))));
    assert.equal(forwarding.data(source, message, 0, message.length, 3), Reason.none);
    const refused: number[] = [];
    forwarding.flush(source, message, (_, _message, offset) => refused.push(offset - PEER_OFFSET));
    assert.deepEqual(refused, [0, 38, 77]);
  });

  it("knows a frame for the peer of the one before, within one message alone", () => {
    const { forwarding, seat } = scene({ [id(11)]: [ONE] });
    const source = seat(10);
    const message = encodeData(key(11), bytes(1));
    assert.equal(forwarding.follows(message, PEER_OFFSET), false);
    forwarding.data(source, message, 0, message.length, 1);
    assert.equal(forwarding.follows(message, PEER_OFFSET), true);
    assert.equal(forwarding.follows(encodeData(key(12), bytes(1)), PEER_OFFSET), false);
    forwarding.flush(source, message, () => assert.fail());
    assert.equal(forwarding.follows(message, PEER_OFFSET), false);
  });

  it("leads from a standby to a standby, from a home to a home, and to the other when there is no way", () => {
    const wayOf = (own: PeerId[], nodes: PeerId[], without?: PeerId) => {
      const { forwarding, links, sent, seat } = scene({ [id(10)]: own, [id(11)]: nodes });
      if (without) links.delete(without);
      const source = seat(10);
      const message = encodeData(key(11), bytes(1));
      forwarding.data(source, message, 0, message.length, 1);
      forwarding.flush(source, message, () => assert.fail());
      return sent[0]![0];
    };
    assert.equal(wayOf([HERE, TWO], [ONE, TWO]), ONE);
    assert.equal(wayOf([ONE, HERE], [ONE, TWO]), TWO);
    assert.equal(wayOf([ONE, HERE], [ONE, TWO], TWO), ONE);
    assert.equal(wayOf([HERE, TWO], [ONE, TWO], ONE), TWO);
  });

  it("finds the way that comes up after there was none", () => {
    const { forwarding, links, sent, seat } = scene({ [id(11)]: [ONE] });
    const source = seat(10);
    const way = links.get(ONE)!;
    links.delete(ONE);
    const message = encodeData(key(11), bytes(1));
    assert.equal(forwarding.data(source, message, 0, message.length, 1), Reason.absent);
    links.set(ONE, way);
    assert.equal(forwarding.data(source, message, 0, message.length, 1), Reason.none);
    forwarding.flush(source, message, () => assert.fail());
    assert.equal(sent.length, 1);
  });

  it("delivers to a peer here as its data frame", () => {
    const { sent, seat, arrive } = scene({});
    seat(20);
    arrive(ONE, encodeForward(3, key(10), key(20), bytes(7)));
    assert.deepEqual(sent, [[id(20), encodeData(key(10), bytes(7))]]);
  });

  it("delivers what came in one message in its order, and passes on what is for others, whoever they come from", () => {
    const frame = fc.tuple(fc.constantFrom(10, 11), fc.constantFrom(20, 20, 21, 30), payload);
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
        const { sent, seat, arrive } = scene({ [id(30)]: [TWO] });
        for (const number of [20, 21]) seat(number);
        arrive(ONE, ...frames.map(([from, to, payload]) => encodeForward(3, key(from), key(to), payload)));
        const of = (number: number) => frames.filter(([, to]) => to === number);
        const told = (remote: PeerId) =>
          concatFrames(sent.filter(([to]) => to === remote).map(([, batch]) => batch));
        for (const number of [20, 21]) {
          const expected = of(number).map(([from, , payload]) => encodeData(key(from), payload));
          assert.deepEqual(told(id(number)), concatFrames(expected));
        }
        const passed = of(30).map(([from, to, payload]) => encodeForward(1, key(from), key(to), payload));
        assert.deepEqual(told(TWO), concatFrames(passed));
      }),
    );
  });

  it("tells the node of each whose frame a peer here does not take", () => {
    const { sent, seat, arrive } = scene({ [id(10)]: [ONE], [id(11)]: [ONE] });
    Object.assign(seat(20).session, { sendBatch: () => -1 });
    arrive(ONE, ...[10, 10, 11, 10].map((from) => encodeForward(3, key(from), key(20), bytes(from))));
    const told = sent.map(([, frame]) => decodeControl(frame)).map((said) =>
      said?.kind === "undelivered" && said.source
    );
    assert.deepEqual(told, [key(10), key(11)]);
  });

  it("lets a frame take the hops it needs and one more, so that it does not go round where views differ", () => {
    const far = id(4);
    const { forwarding, sent, seat, arrive } = scene({ [id(20)]: [far], [id(21)]: [far, TWO] }, { [far]: 3 });
    const message = encodeData(key(20), bytes(7));
    const source = seat(10);
    forwarding.data(source, message, 0, message.length, 1);
    forwarding.flush(source, message, () => assert.fail());
    assert.deepEqual(sent.splice(0), [[ONE, encodeForward(3, key(10), key(20), bytes(7))]]);
    arrive(TWO, encodeForward(3, key(11), key(20), bytes(7)));
    assert.deepEqual(sent.splice(0), [[ONE, encodeForward(2, key(11), key(20), bytes(7))]]);
    arrive(ONE, encodeForward(3, key(11), key(21), bytes(7)));
    assert.deepEqual(sent.splice(0), [[TWO, encodeForward(1, key(11), key(21), bytes(7))]]);
    // Whoever sent it thought this node to be nearer.
    arrive(TWO, encodeForward(2, key(11), key(20), bytes(7)));
    assert.equal(sent[0]![0], TWO);
    assert.equal(decodeControl(sent[0]![1])?.kind, "undelivered");
  });

  it("passes on with one hop less, never back, and answers when no hop is left", () => {
    const { sent, arrive } = scene({ [id(10)]: [ONE], [id(20)]: [TWO], [id(21)]: [ONE] });
    arrive(ONE, encodeForward(2, key(10), key(20), bytes(7)));
    assert.deepEqual(sent.splice(0), [[TWO, encodeForward(1, key(10), key(20), bytes(7))]]);
    const undeliverable = [
      encodeForward(0, key(10), key(20), bytes()),
      encodeForward(3, key(10), key(21), bytes()),
    ];
    for (const frame of undeliverable) {
      arrive(ONE, frame);
      const [[to, answer]] = sent.splice(0) as [[PeerId, Uint8Array]];
      const said = decodeControl(answer);
      assert.equal(to, ONE);
      assert(said?.kind === "undelivered" && said.reason === Reason.absent);
    }
  });

  it("tells the nodes of those whose gathered frames a peer here did not take, once each", () => {
    const { forwarding, sent } = scene({ [id(10)]: [ONE], [id(11)]: [TWO] });
    const message = concatFrames([10, 11, 10].map((source) => encodeData(key(source), bytes(7))));
    for (let i = 0; i < 3; i++) {
      forwarding.unsent(Reason.gone, message, i * message.length / 3 + PEER_OFFSET, key(30));
    }
    forwarding.tellUnsent();
    assert.deepEqual(sent.map(([to]) => to), [ONE, TWO]);
    const said = decodeControl(sent[0]![1]);
    assert(said?.kind === "undelivered" && said.reason === Reason.gone);
    assert.deepEqual([said.source, said.destination], [key(10), key(30)]);
  });

  it("tells a peer here what was not delivered, and nobody when that cannot be told", () => {
    const { forwarding, links, sent, seat } = scene({});
    seat(10);
    const undelivered = (source: Uint8Array) =>
      decodeControl(encodeUndelivered({ hops: 3, source, destination: key(20), reason: Reason.queueFull }));
    const from = links.get(ONE)!;
    forwarding.undelivered(from, undelivered(key(10)) as never);
    const notice = decodeControl(sent[0]![1]);
    assert(notice?.kind === "notice" && notice.reason === Reason.queueFull);
    forwarding.undelivered(from, undelivered(key(99)) as never);
    assert.equal(sent.length, 1);
  });
});
