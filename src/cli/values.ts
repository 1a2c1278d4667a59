/**
 * Values on the command line: how they are written, and what is said of wrong ones.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** What a timer of JavaScript can wait, milliseconds: 24.8 days. */
const LONGEST = 0x7fff_ffff;

/** `500ms`, `60s`, `1.5m`, `2h`, `7d` in milliseconds. A bare number would leave the unit to guessing: refused, except 0. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (text.trim() === "0") return 0;
  if (match === null) {
    throw new InvalidArgumentError("Write a number with its unit: 500ms, 60s, 5m, 1h or 7d.");
  }
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** As {@link duration}, for what is waited for by a timer. */
export function wait(text: string): number {
  const milliseconds = duration(text);
  if (milliseconds > LONGEST) throw new InvalidArgumentError("At most 24d.");
  return milliseconds;
}

/** A whole number from 1. */
export function count(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError("Give a whole number from 1.");
  }
  return number;
}

/** A TCP port; 0: any free one. */
export function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > 65_535) {
    throw new InvalidArgumentError("Give a port from 1 to 65535, or 0 for any free one.");
  }
  return number;
}

/** Collects values of an option that may repeat; each may hold several, with commas or spaces between. */
export function list(text: string, before: string[] | undefined): string[] {
  return [...before ?? [], ...text.split(/[\s,]+/).filter((part) => part !== "")];
}

/** URLs of nodes: `ws:` or `wss:`. */
export function nodeUrls(text: string, before: string[] | undefined): string[] {
  for (const url of list(text, undefined)) checkUrl(url);
  return list(text, before);
}

function checkUrl(text: string): void {
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol === "ws:" || protocol === "wss:") return;
  const bare = text.replace(/^https?:\/\//, "");
  throw new InvalidArgumentError(`A node's URL begins with wss:// (or ws:// on this machine): wss://${bare}`);
}

/** A network's name: printable, at most 256 bytes. */
export function network(text: string): string {
  if (text === "" || new TextEncoder().encode(text).length > 256) {
    throw new InvalidArgumentError("A network's name has 1 to 256 bytes.");
  }
  return text;
}

/** Ports for STUN, one or two, or `off`. */
export function stunPorts(text: string, before: number[] | false | undefined): number[] | false {
  if (text.trim() === "off") return false;
  const ports = list(text, undefined).map(port);
  const all = [...before || [], ...ports];
  if (all.length === 0 || all.length > 2) {
    throw new InvalidArgumentError("Give one UDP port, or two, or: off.");
  }
  return all;
}
