import { spawn } from "node:child_process";
import process from "node:process";

/** How a command ended. */
export interface Ended {
  /** Exit code; 128 + n after signal n, as a shell says it, and 124 after the deadline. */
  code: number;
  /** Standard output and standard error, interleaved. */
  output: string;
  milliseconds: number;
  late: boolean;
}

export interface CommandOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Milliseconds until everything the command started is killed. */
  deadline: number;
}

/** Between asking a late command to end and killing it, in milliseconds. */
const GRACE = 3_000;

const running = new Set<number>();

/** Runs a command in a process group of its own, which is gone when the promise resolves. */
export function runCommand(command: string[], options: CommandOptions): Promise<Ended> {
  const [program, ...args] = command as [string, ...string[]];
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const group = child.pid;
  if (group !== undefined) running.add(group);
  const output: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => output.push(text));

  let late = false;
  const timers = [
    setTimeout(() => {
      late = true;
      signal(group, "SIGTERM");
    }, options.deadline),
    setTimeout(() => signal(group, "SIGKILL"), options.deadline + GRACE),
  ];
  return new Promise((resolve) => {
    const end = (code: number): void => {
      for (const timer of timers) clearTimeout(timer);
      if (group !== undefined) running.delete(group);
      resolve({
        code: late ? 124 : code,
        output: output.join(""),
        milliseconds: performance.now() - began,
        late,
      });
    };
    child.on("error", (error) => {
      output.push(`${program}: ${error.message}\n`);
      end(127);
    });
    // What the command left running would hold its pipes open, and "close" would not come.
    child.on("exit", () => signal(group, "SIGKILL"));
    child.on("close", (code, by) => end(code ?? 128 + (by === "SIGKILL" ? 9 : 15)));
  });
}

/** Kills what is still running: for a runner that is itself told to end. */
export function killRunning(): void {
  for (const group of running) signal(group, "SIGKILL");
}

function signal(group: number | undefined, name: "SIGTERM" | "SIGKILL"): void {
  if (group === undefined) return;
  try {
    process.kill(-group, name);
  } catch {
    // ESRCH: the group is gone already, which is what was wanted.
  }
}
