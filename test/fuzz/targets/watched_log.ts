/** A logger that keeps what was said, and what was said to be wrong. */
import type { Logger } from "@logtape/logtape";

export interface WatchedLog {
  logger: Logger;
  errors: string[];
  /** Every text and property of every line. */
  texts: string[];
}

export function watchedLog(): WatchedLog {
  const [errors, texts]: [string[], string[]] = [[], []];
  const note = (message: unknown, properties: unknown) => {
    texts.push(String(message));
    for (const value of Object.values(Object(properties))) if (typeof value === "string") texts.push(value);
  };
  const logger = {
    with: () => logger,
    getChild: () => logger,
    isEnabledFor: () => true,
    error: (message: unknown, properties: { error?: Error }) => {
      errors.push(String(properties?.error?.stack ?? message));
    },
    ...{ trace: note, debug: note, info: note, warn: note, warning: note, fatal: note },
  };
  return { logger: logger as unknown as Logger, errors, texts };
}
