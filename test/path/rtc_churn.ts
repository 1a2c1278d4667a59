/** Fifty pairs of ends: every second one opens and carries a message. Prints what is left of them, and must end. */
import { readdirSync } from "node:fs";
import { loadNodeDataChannel } from "../../src/path/node_datachannel.ts";
import type { RtcEnd, RtcEvents, RtcStack, Words } from "../../src/path/rtc.ts";

const loaded = await loadNodeDataChannel();
if ("why" in loaded) throw new Error(loaded.why);
const stack: RtcStack = loaded;
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Ends that did not tell, before they were closed and after, whether a pair of candidates worked. */
let unpaired = 0;

/**
 * Resolves when the message is there, or, without candidates, when both have described themselves.
 * Candidates wait for the answer, as in an attempt: see `Punch`.
 */
async function pair(opens: boolean): Promise<void> {
  const ends: RtcEnd[] = [];
  const held: (() => void)[] = [];
  let answered = false;
  let settle = (): void => {};
  const done = new Promise<void>((resolve) => settle = resolve);
  const events = (other: () => RtcEnd | undefined, opened: () => void): RtcEvents => ({
    words: (words: Words) => {
      const take = (): void => {
        other()?.take(words);
        if (words.type !== "answer") return;
        answered = true;
        for (const each of held.splice(0)) each();
      };
      if (words.type !== "candidate" || (opens && answered)) setTimeout(take, 1);
      else if (opens) held.push(take);
      if (words.type === "answer" && !opens) setTimeout(settle, 5);
    },
    gathered() {},
    opened,
    message: () => settle(),
    drained() {},
    closed: (reason) => console.error(`closed: ${reason}`),
  });
  ends.push(stack.connect("offerer", [], events(() => ends[1], () => ends[0]!.send(new Uint8Array(17_000)))));
  ends.push(stack.connect("answerer", [], events(() => ends[0], () => {})));
  await done;
  for (const end of ends) {
    const known = end.paired;
    end.close();
    end.close();
    end.send(new Uint8Array(1));
    end.take({ type: "candidate", candidate: "nonsense", mid: "0" });
    if (known !== opens || end.paired !== opens) unpaired++;
  }
}

await pair(true);
const before = descriptors();
const began = performance.now();
let slowest = 0;
for (let i = 0; i < 50; i++) {
  const start = performance.now();
  await pair(i % 2 === 0);
  slowest = Math.max(slowest, performance.now() - start);
}
await new Promise((resolve) => setTimeout(resolve, 200));
const ms = Math.round(performance.now() - began);
console.log(
  JSON.stringify({ more: descriptors() - before, ms, slowest: Math.round(slowest), unpaired }),
);
