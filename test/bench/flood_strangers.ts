/**
 * `flood_strangers.ts PORT TOTAL AT_ONCE SOURCES PATH MESSAGE`: strangers who upgrade, say something that proves nothing
 * (MESSAGE, in hexadecimal), keep their socket for some seconds whatever they are answered, so that all servers are
 * flooded alike, and hang up. `%` in PATH is the number of each. Prints what they were answered.
 */
import { connect } from "node:net";
import process from "node:process";
import { unhex } from "../wire/notation.ts";
import { upgradeRequest } from "../rendezvous/raw_socket.ts";
import { clientMessage } from "./opponents/web_socket.ts";

const [port, total, most, sources] = process.argv.slice(2, 6).map(Number) as [number, number, number, number];
const [path = "/", message = ""] = process.argv.slice(6);
/** Milliseconds for which each keeps its socket, from its beginning. */
const HOLD = 5_000;
/** Milliseconds after which one that is answered nothing gives up. */
const PATIENCE = 10_000;

const saying = message === "" ? undefined : clientMessage(unhex(message));
const answers = new Map<string, number>();
let [begun, open, peak] = [0, 0, 0];

function stranger(): void {
  const number = begun++;
  const localAddress = `127.0.${1 + (number % sources >> 8)}.${1 + (number % sources) % 255}`;
  const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true, allowHalfOpen: true });
  const since = performance.now();
  let answer: string | undefined;
  peak = Math.max(peak, ++open);
  let gone = false;
  const over = () => {
    if (gone) return;
    gone = true;
    open--;
    socket.destroy();
    answers.set(answer ?? "silence", (answers.get(answer ?? "silence") ?? 0) + 1);
    if (begun < total) stranger();
    else if (open === 0) done();
  };
  const patience = setTimeout(over, PATIENCE);
  socket.once("connect", () => socket.write(upgradeRequest(path.replace("%", String(number)))));
  socket.once("data", (data) => {
    clearTimeout(patience);
    answer = data.toString("latin1", 9, 12);
    if (answer === "101" && saying !== undefined) socket.write(saying);
    socket.resume();
    setTimeout(over, HOLD + since - performance.now());
  });
  socket.on("error", (error: Error & { code?: string }) => answer ??= error.code ?? "error");
  socket.once("close", () => answer === undefined || /\D/.test(answer) ? over() : undefined);
}

const start = performance.now();
function done(): void {
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ answers: Object.fromEntries(answers), seconds, peak }));
  process.exit(0);
}

/** Not all in one turn of the event loop: the kernel's queue of a listener holds some hundreds. */
function begin(): void {
  for (let i = 0; i < 100 && open < Math.min(most, total) && begun < total; i++) stranger();
  if (begun < Math.min(most, total)) setTimeout(begin, 5);
}
begin();
