/** Plain words and glyphs for what the page shows. */
import type { LinkPath } from "../../link/link.ts";
import { type DeliveryStatus, type Entry, statusOf } from "../types.ts";

/** A status for eyes and for ears. */
export interface Wording {
  glyph: string;
  text: string;
}

const STATUS: Record<DeliveryStatus, Wording> = {
  queued: { glyph: "◷", text: "waiting" },
  sent: { glyph: "→", text: "on its way" },
  delivered: { glyph: "✓", text: "delivered" },
  failed: { glyph: "!", text: "not delivered" },
};

/** `undefined` for what was received. In a group it tells how many have it. */
export function statusWords(entry: Entry): Wording | undefined {
  const status = statusOf(entry);
  if (status === "received") return undefined;
  const { glyph, text } = STATUS[status];
  const { to } = entry;
  if (status === "failed") return { glyph, text: `${text}: ${reasonOf(entry)}` };
  if (to.length < 2) return { glyph, text };
  const have = to.filter((one) => one.status === "delivered").length;
  return { glyph, text: `${have} of ${to.length} have it` };
}

function reasonOf({ to }: Entry): string {
  return to.find(({ status }) => status === "failed")?.reason ?? "no reason given";
}

/** The badge of a path: kind and round trip. */
export function pathWords({ kind, rtt }: LinkPath): string {
  return rtt === undefined ? kind : `${kind} · ${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms`;
}

export function bytesWords(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let [size, unit] = [bytes, 0];
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export function timeWords(at: number): string {
  return TIME.format(at);
}

export function dayWords(at: number): string {
  return DAY.format(at);
}
