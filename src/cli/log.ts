import {
  configure,
  getTextFormatter,
  jsonLinesFormatter,
  type LogLevel,
  type TextFormatter,
} from "@logtape/logtape";
import type { Terminal } from "./terminal.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;
export const LOG_FORMATS = ["text", "json"] as const;

/** What is logged, and how it is written. */
export interface LogChoices {
  logLevel: LogLevel;
  /** Default: as the output is written. */
  logFormat?: (typeof LOG_FORMATS)[number];
  json?: true;
}

/** Sends the logs of all layers to standard error, as text or as one JSON object a line. */
export async function configureLog(terminal: Terminal, choices: LogChoices): Promise<void> {
  const { logLevel: lowestLevel, logFormat = choices.json ? "json" : "text" } = choices;
  const format: TextFormatter = logFormat === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: { errors: (record) => terminal.errors.write(format(record)) },
    loggers: [
      { category: "waymeet", lowestLevel, sinks: ["errors"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["errors"] },
    ],
  });
}

/** A record is one line whatever strangers wrote: they cannot add lines, nor move the cursor of who reads them. */
const plain = getTextFormatter({
  timestamp: "rfc3339",
  category: ".",
  sanitize: { sgr: "escape", newlines: "escape" },
});

const textLine: TextFormatter = (record) => `${escapeHidden(plain(record).trimEnd())}\n`;

/** JSON escapes the ASCII controls alone. */
const jsonLine: TextFormatter = (record) => `${escapeHidden(jsonLinesFormatter(record).trimEnd())}\n`;

/** Characters that terminals act on or that turn the text around (Trojan Source, CVE-2021-42574). */
function escapeHidden(line: string): string {
  return line.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (sign) => Array.from({ length: sign.length }, (_, i) => unicodeEscape(sign.charCodeAt(i))).join(""),
  );
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
