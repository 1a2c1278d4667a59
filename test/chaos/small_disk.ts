/** A file system of a few pages for the files of one node, in a mount namespace of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** KiB: the files of a node have one or two each. */
const SIZE = 64;

export class SmallDisk {
  /** Where processes started with {@link before} see it. */
  readonly path: string;
  readonly #holder: ChildProcess;

  private constructor(path: string, holder: ChildProcess) {
    this.path = path;
    this.#holder = holder;
    process.on("exit", () => holder.kill("SIGKILL"));
  }

  /** `undefined` where this process may not mount. */
  static async mount(path: string): Promise<SmallDisk | undefined> {
    mkdirSync(path, { recursive: true });
    const script = 'mount -t tmpfs -o size="$1"k waymeet "$0" && echo mounted && exec sleep infinity';
    const words = ["-m", "sh", "-c", script, path, String(SIZE)];
    const holder = spawn("unshare", words, { stdio: ["ignore", "pipe", "ignore"] });
    const mounted = await new Promise<boolean>((resolve) => {
      holder.stdout!.once("data", () => resolve(true));
      holder.once("error", () => resolve(false));
      holder.once("close", () => resolve(false));
    });
    return mounted ? new SmallDisk(path, holder) : undefined;
  }

  /** Words that start a command that sees this disk. Its errors go to a file there. */
  get before(): string[] {
    const log = 'exec "$@" 2>>"$0"';
    return ["nsenter", "-m", `-t${this.#holder.pid}`, "--", "sh", "-c", log, join(this.path, "log")];
  }

  fill(): void {
    const file = openSync(this.#outside("filler"), "w");
    try {
      for (;;) writeSync(file, new Uint8Array(1_024).fill(1));
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#outside("filler"), { force: true });
  }

  get files(): string[] {
    return readdirSync(this.#outside("."));
  }

  /** `undefined`: there is none. */
  read(name: string): string | undefined {
    return this.files.includes(name) ? readFileSync(this.#outside(name), "utf8") : undefined;
  }

  close(): void {
    this.#holder.kill("SIGKILL");
  }

  #outside(name: string): string {
    return join(`/proc/${this.#holder.pid}/root`, this.path, name);
  }
}
