/** Kept inputs: lines of `name: part part …`, a part in hexadecimal, `-` for one that is empty. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hex, unhex } from "../wire/notation.ts";
import type { Input } from "./mutation.ts";

export interface Kept {
  name: string;
  input: Input;
}

const directory = new URL("corpus/", import.meta.url);

function fileOf(target: string): URL {
  return new URL(`${target}.txt`, directory);
}

export function readCorpus(target: string): Kept[] {
  if (!existsSync(fileOf(target))) return [];
  const lines = readFileSync(fileOf(target), "utf8").split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [name = "", parts = ""] = line.split(/: (.*)/s);
    return { name, input: parts.split(" ").filter((part) => part !== "").map(partOf) };
  });
}

function partOf(text: string): Uint8Array {
  return text === "-" ? new Uint8Array() : unhex(text);
}

export function writeCorpus(target: string, kept: readonly Kept[]): void {
  const lines = kept.map(({ name, input }) =>
    `${name}: ${input.map((part) => part.length === 0 ? "-" : hex(part)).join(" ")}\n`
  );
  writeFileSync(fileOf(target), lines.join(""));
}

/** Targets with kept inputs. */
export function corpora(): string[] {
  return readdirSync(directory).filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4))
    .sort();
}
