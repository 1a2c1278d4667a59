/**
 * What two chats say to each other: one CBOR array per link message,
 * `[version, kind, name, at, …]`, read strictly, because a stranger wrote it.
 *
 * @module
 */
import { decode, encode } from "../wire/cbor.ts";
import type { Body } from "./types.ts";

/** A chat message as it travels. */
export interface ChatMessage {
  /** What the writer calls itself. */
  name: string;
  /** Milliseconds since 1970, by the writer's clock. */
  at: number;
  /** A group's name; `""` between two contacts. */
  group: string;
  body: Body | Refused;
}

/** A message was not taken: who sent it is no contact here. */
export interface Refused {
  kind: "refused";
  /** The message's id. */
  id: string;
  reason: string;
}

const VERSION = 1;
const KINDS = ["text", "file", "ask", "answer", "refused"] as const;

/** Longest name, UTF-16 units. */
export const MAX_NAME = 64;
/** Longest note with a request. */
export const MAX_NOTE = 280;
/** Longest text of one message. */
export const MAX_TEXT = 32_768;
/** Largest file, bytes: the other side stores it in its browser. */
export const MAX_FILE = 268_435_456;

export function encodeMessage({ name, at, group, body }: ChatMessage): Uint8Array {
  return encode([VERSION, KINDS.indexOf(body.kind), name, at, group, ...fields(body)]);
}

function fields(body: ChatMessage["body"]): (string | number | boolean)[] {
  switch (body.kind) {
    case "text":
      return [body.text];
    case "file":
      return [body.file.name, body.file.type, body.file.size];
    case "ask":
      return [body.note];
    case "answer":
      return [body.accepted];
    case "refused":
      return [body.id, body.reason];
  }
}

/** Longest message that is read, bytes: the longest text in three-byte letters, and what stands around it. Links carry 16 MiB. */
const MAX_BYTES: number = 3 * MAX_TEXT + 2_048;

/** `undefined`: not a chat message. */
export function readMessage(bytes: Uint8Array): ChatMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined; // decoded before it is judged: a stranger's megabytes cost nothing
  const array = decode(bytes);
  if (!Array.isArray(array) || array[0] !== VERSION) return undefined;
  const [, kind, name, at, group, ...rest] = array as unknown[];
  if (!isText(name, MAX_NAME) || !isTime(at) || !isText(group, MAX_NAME)) return undefined;
  const body = readBody(KINDS[kind as number], rest);
  return body && { name, at, group, body };
}

function readBody(
  kind: (typeof KINDS)[number] | undefined,
  rest: unknown[],
): ChatMessage["body"] | undefined {
  const [first, second, third] = rest;
  switch (kind) {
    case "text":
      return isText(first, MAX_TEXT) && first !== "" ? { kind, text: first } : undefined;
    case "file":
      if (!isText(first, 255) || !isText(second, 255) || !isSize(third)) return undefined;
      return { kind, file: { name: first, type: second, size: third } };
    case "ask":
      return isText(first, MAX_NOTE) ? { kind, note: first } : undefined;
    case "answer":
      return typeof first === "boolean" ? { kind, accepted: first } : undefined;
    case "refused":
      if (!isText(first, 32) || !isText(second, 280)) return undefined;
      return { kind, id: first, reason: second };
    case undefined:
      return undefined;
  }
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === "string" && value.length <= longest;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSize(value: unknown): value is number {
  return isTime(value) && value <= MAX_FILE;
}
