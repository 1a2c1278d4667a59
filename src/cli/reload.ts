/**
 * What a running node takes over from its changed configuration file: limits and access. A file that is
 * wrong changes nothing.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import { Command } from "commander";
import type { PeerId } from "../identity/peer_id.ts";
import type { Controls } from "../rendezvous/controls.ts";
import { nodeLimits } from "../rendezvous/node_limits.ts";
import { type AccessChoices, accessOf, checkExposure } from "./access_options.ts";
import { applyConfigFile, type ServeChoices, withServeOptions } from "./serve_options.ts";

/** Milliseconds between two looks at the file; what stands there at two looks in a row is taken. */
const LOOK = 200;

/** Options that a running node takes over. */
const CHANGEABLE: readonly (keyof ServeChoices)[] = [
  "access",
  "allow",
  "deny",
  "tokenIssuer",
  "accessUrl",
  "limits",
];

export interface ReloadOptions {
  /** As `serve` was called, with what its file said then. */
  command: Command;
  path: string;
  controls: Controls;
  peer: (text: string) => PeerId;
}

export class Reload {
  readonly #o: ReloadOptions;
  #choices: ServeChoices;
  #applied: string | undefined;
  #seen: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(options: ReloadOptions) {
    this.#o = options;
    this.#choices = options.command.opts<ServeChoices>();
  }

  /** Looks at the file until {@link stop}. `text`: what was read of it at the start. */
  async watch(): Promise<void> {
    this.#applied = this.#seen = await this.#read();
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Reads the file now; false when it is wrong, which is logged, and changes nothing. */
  async now(): Promise<boolean> {
    const log = getLogger(["waymeet", "node"]);
    try {
      await this.#apply(await reread(this.#o.command, this.#o.path));
      return true;
    } catch (error) {
      const text = (error as Error).message;
      log.error("the changed configuration is not taken, what held before goes on: {text}", { text });
      return false;
    }
  }

  async #apply(choices: ServeChoices): Promise<void> {
    const { controls, peer } = this.#o;
    const access = accessOf(choices, peer) ?? { kind: "open" as const };
    checkExposure(choices, accessOf(choices, peer));
    const before = this.#choices;
    this.#choices = choices;
    controls.setLimits(nodeLimits(choices.limits));
    if (accessText(before) !== accessText(choices)) await controls.setAccess(access);
    const others = fixed(before, choices);
    if (others.length > 0) {
      getLogger(["waymeet", "node"]).warn("these take effect at the next start: {names}", {
        names: others.join(", "),
      });
    }
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(), LOOK);
  }

  async #look(): Promise<void> {
    const text = await this.#read();
    const settled = text !== undefined && text === this.#seen;
    this.#seen = text;
    if (settled && text !== this.#applied) {
      this.#applied = text;
      await this.now();
    }
    this.#later();
  }

  /** `undefined` while it is missing, as it is for a moment when an editor replaces it. */
  #read(): Promise<string | undefined> {
    return readFile(this.#o.path, "utf8").catch(() => undefined);
  }
}

/** The options as they are now: flags and environment as they were, the rest from the file as it is. */
async function reread(command: Command, path: string): Promise<ServeChoices> {
  const fresh = withServeOptions(new Command("serve"));
  for (const option of command.options) {
    const name = option.attributeName();
    const source = command.getOptionValueSource(name);
    if (source === "cli" || source === "env") {
      fresh.setOptionValueWithSource(name, command.getOptionValue(name), source);
    }
  }
  await applyConfigFile(fresh, path);
  return fresh.opts<ServeChoices>();
}

function accessText({ access, allow, deny, tokenIssuer, accessUrl }: AccessChoices): string {
  return JSON.stringify([access, allow, deny, tokenIssuer, accessUrl]);
}

/** Options that changed and that only a start reads. */
function fixed(before: ServeChoices, after: ServeChoices): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof ServeChoices>;
  return [...names].filter((name) =>
    !CHANGEABLE.includes(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name])
  );
}
