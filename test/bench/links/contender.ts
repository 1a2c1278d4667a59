/** What a library must offer to be measured as its users use it: by its own API, relayed, encrypted. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RuntimeName } from "../../runtimes.ts";
import { cache } from "../opponents/process.ts";

/** From one program to another. */
export interface Sender {
  /** Resolves when the other program has the message and said so. */
  send(message: Uint8Array): Promise<unknown>;
  /** `relay`, or what else carries the messages now. */
  path(): string;
}

/** The side of a contender that lives in the measured programs. */
export interface End {
  /** Waits for others; what they need to dial this program by way of the relay. */
  listen(relay: string): Promise<string>;
  dial(relay: string, address: string): Promise<Sender>;
}

export interface Contender {
  name: string;
  version(): string;
  /** The module whose `end` the programs import. */
  module: URL;
  /** What the ends run on, and the relay unless it is a program of its own. */
  runtime: RuntimeName;
  installed(): boolean;
  /** The command that brings it. */
  install: string;
  /** Starts the relay at an address of the hub; resolves with what `listen` and `dial` are told of it. */
  relay(
    spawn: (command: string[], env?: Record<string, string>) => ChildProcess,
    host: string,
  ): Promise<string>;
}

/** Packages that `build.sh libraries` put beside this repository. */
const FOLDER = cache("npm", "node_modules");

export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(FOLDER, name, "package.json"), "utf8")) as { version: string })
    .version;
}

export function hasPackage(name: string): boolean {
  return existsSync(join(FOLDER, name, "package.json"));
}

/** An installed package, whose types are not known here. */
// deno-lint-ignore no-explicit-any
export async function load(name: string, file: string): Promise<any> {
  return await import(pathToFileURL(join(FOLDER, name, file)).href);
}
