import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sounding } from "../../src/peer/sounding.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

class Line {
  asked = 0;
  dead = false;
  ask(): void {
    this.asked++;
  }
}

function sounded(): { clock: VirtualClock; lines: [Line, Line]; sounding: Sounding<Line> } {
  const clock = new VirtualClock();
  const sounding = new Sounding<Line>(clock, (line) => void (line.dead = true));
  return { clock, lines: [new Line(), new Line()], sounding };
}

describe("sessions of which one may have died without a word", () => {
  it("are both asked, and the one that is silent while the other answers is dead", async () => {
    const { clock, lines: [one, other], sounding } = sounded();
    sounding.begin(() => [one, other]);
    sounding.heard(other);
    await clock.advance(1_400);
    assert.deepEqual([one.asked, other.asked, one.dead], [1, 1, false]);
    await clock.advance(200);
    assert.deepEqual([one.dead, other.dead], [true, false]);
  });

  it("live when neither answers: this peer is cut off, and a new session would be, too", async () => {
    const { clock, lines, sounding } = sounded();
    sounding.begin(() => lines);
    await clock.advance(5_000);
    assert.deepEqual(lines.map(({ dead }) => dead), [false, false]);
  });

  it("live when both answer, and when it is the only one", async () => {
    const { clock, lines, sounding } = sounded();
    sounding.begin(() => lines);
    for (const line of lines) sounding.heard(line);
    await clock.advance(5_000);
    sounding.begin(() => [lines[0]]);
    await clock.advance(5_000);
    assert.deepEqual(lines.map(({ dead, asked }) => [dead, asked]), [[false, 1], [false, 1]]);
  });

  it("are asked again after a pause when the doubt came behind their answers", async () => {
    const { clock, lines: [one, other], sounding } = sounded();
    const ask = () => sounding.begin(() => [one, other]);
    ask();
    for (const line of [one, other]) sounding.heard(line);
    await clock.advance(100);
    ask(); // `one` died in between; nobody doubts again, since the link goes on by `other`
    await clock.advance(2_900);
    assert.deepEqual([one.asked, other.asked], [2, 2]);
    sounding.heard(other);
    await clock.advance(1_600);
    assert.deepEqual([one.dead, other.dead], [true, false]);
    assert.equal(clock.timers, 0);
  });

  it("are asked as they are then, and not at all when one of them is gone", async () => {
    const { clock, lines, sounding } = sounded();
    let now = [...lines];
    sounding.begin(() => now);
    sounding.begin(() => now);
    now = [lines[0]];
    await clock.advance(10_000);
    assert.deepEqual(lines.map(({ asked }) => asked), [1, 1]);
    sounding.begin(() => now);
    sounding.stop();
    assert.equal(clock.timers, 0);
  });

  it("are asked less often than a node answers, however many links wait", async () => {
    const { clock, lines, sounding } = sounded();
    for (let i = 0; i < 1_000; i++) {
      sounding.begin(() => lines);
      await clock.advance(15);
    }
    assert.equal(lines[0].asked, 6);
  });

  it("are not judged by a process that stood still, but asked again", () => {
    const { lines } = sounded();
    const clock = new VirtualClock();
    let [now, late] = [0, () => {}];
    const stopped = {
      now: () => now,
      wall: clock.wall,
      after: (_: number, run: () => void) => (late = run, () => {}),
    };
    const patient = new Sounding<Line>(stopped, (line) => void (line.dead = true));
    patient.begin(() => lines);
    patient.heard(lines[0]);
    now = 10_000;
    late();
    assert.deepEqual(lines.map(({ asked, dead }) => [asked, dead]), [[2, false], [2, false]]);
    patient.heard(lines[0]);
    now = 11_500;
    late();
    assert.deepEqual(lines.map(({ dead }) => dead), [false, true]);
  });
});

/** Opens a peer; its lines to `dead` fall silent when `cut` is called, while the node lives on for everybody else. */
async function opened(
  world: VirtualWorld,
  nodes: string[],
  dead: string,
): Promise<{ peer: Peer; cut: () => void }> {
  const { lines } = world.stations.get(dead)!;
  const before = new Set(lines);
  const peer = await world.open({ nodes });
  await world.pass(300);
  const own = [...lines].filter((line) => !before.has(line));
  return { peer, cut: () => own.flat().forEach((end) => end.cut = true) };
}

it("lines that die between two peers and one node that lives on, the home of one and the standby of the other, cost under four seconds", async () => {
  const world = new VirtualWorld();
  const urls = await world.startMesh(4);
  const [first, second, third] = urls as [string, string, string, string];
  const a = await opened(world, [first, second], second);
  const b = await opened(world, [second, third], second);
  const arriving = nextLink(b.peer);
  const link = await world.run(a.peer.dial(b.peer.id));
  await world.run(link.opened);
  const back = await world.run(arriving);
  const arrivals: number[][] = [[], []];
  const heard = [back, link].map((each, i) => collect(each, () => arrivals[i]!.push(world.clock.now())));
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    if (i === 20) { for (const { cut } of [a, b]) cut(); }
    sends.push(link.send(`${i}`), back.send(`${i}`));
    await world.pass(20);
  }
  await world.run(Promise.all(sends), 10_000);
  await world.pass(100);
  const expected = Array.from({ length: 300 }, (_, i) => `${i}`);
  assert.deepEqual(heard, [expected, expected]);
  const gap = Math.max(...arrivals.flatMap((each) => each.slice(1).map((at, i) => at - each[i]!)));
  assert(gap < 4_000, `a gap of ${gap} ms`);
  await world.end();
});
