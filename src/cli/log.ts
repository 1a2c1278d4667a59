import {
  configure,
  getTextFormatter,
  jsonLinesFormatter,
  type LogLevel,
  type TextFormatter,
} from "@logtape/logtape";
import type { Terminal } from "./terminal.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;

/** Sends the logs of all layers to standard error, as text or as one JSON object a line. */
export async function configureLog(terminal: Terminal, level: LogLevel, json: boolean): Promise<void> {
  const format: TextFormatter = json
    ? jsonLinesFormatter
    : getTextFormatter({ timestamp: "rfc3339", category: "." });
  await configure({
    reset: true,
    sinks: { errors: (record) => terminal.errors.write(format(record)) },
    loggers: [
      { category: "waymeet", lowestLevel: level, sinks: ["errors"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["errors"] },
    ],
  });
}
