/** Which blocks of the source ran: V8's precise coverage, on Node. */
import { Session } from "node:inspector";

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}
interface ScriptCoverage {
  url: string;
  functions: { ranges: Range[] }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Blocks that ran for the first time since this began. The inspector answers within the call. */
  news(): number {
    const before = this.#seen.size;
    this.#session.post("Profiler.takePreciseCoverage", (error, { result }: { result: ScriptCoverage[] }) => {
      if (error) throw error;
      for (const { url, functions } of result) if (url.includes("/src/")) this.#add(url, functions);
    });
    return this.#seen.size - before;
  }

  get blocks(): number {
    return this.#seen.size;
  }

  #add(url: string, functions: ScriptCoverage["functions"]): void {
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        if (count > 0) this.#seen.add(`${url}:${startOffset}:${endOffset}`);
      }
    }
  }

  /** Code runs at its full speed again. */
  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}
