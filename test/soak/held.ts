/**
 * What a program holds: its live objects and their bytes, out of a heap snapshot, and nothing of what compilers made
 * of its functions. That is half of a heap, rises for an hour and falls again when functions are thrown out, so what
 * a life left behind could not be seen beside it. Told by Bun and Node; nothing elsewhere.
 *
 * @module
 */
import process from "node:process";
import v8 from "node:v8";

export interface Held {
  /** Live objects, strings, arrays, closures and buffers. */
  objects: number;
  /** KiB that they take. */
  held: number;
}

export async function held(): Promise<Held | undefined> {
  const bun = (globalThis as { Bun?: BunSnapshots }).Bun;
  if (bun) return heldInBun(bun.generateHeapSnapshot());
  return "deno" in process.versions ? undefined : await heldInV8();
}

interface BunSnapshot {
  /** Four numbers a node: id, bytes, index of its class, flags. */
  nodes: number[];
  nodeClassNames: string[];
}

interface BunSnapshots {
  generateHeapSnapshot(): BunSnapshot;
}

/** Cells of JavaScriptCore that describe code, or what objects look like. */
const COMPILED = /CodeBlock$|Executable$|^Structure|^SymbolTable$|^PropertyTable$|RareData$/;

function heldInBun({ nodes, nodeClassNames }: BunSnapshot): Held {
  const counted = nodeClassNames.map((name) => !COMPILED.test(name));
  let objects = 0, bytes = 0;
  for (let i = 0; i < nodes.length; i += 4) {
    if (!counted[nodes[i + 2]!]) continue;
    objects++;
    bytes += nodes[i + 1]!;
  }
  return { objects, held: bytes / 1_024 };
}

/** Nodes of V8 that are code, describe it or what objects look like, or are no objects. */
const NOT_HELD: ReadonlySet<string> = new Set(["hidden", "code", "object shape", "synthetic"]);
const NODES = '"nodes":[';

interface V8Header {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]] } };
}

/** Reads a snapshot as it comes, and keeps nothing of it: whole, it is larger than the heap. */
async function heldInV8(): Promise<Held> {
  let head = "";
  let nodes: V8Nodes | undefined;
  for await (const chunk of v8.getHeapSnapshot()) {
    if (nodes) {
      if (nodes.take(chunk as Uint8Array)) break;
      continue;
    }
    head += String(chunk);
    const begin = head.indexOf(NODES);
    if (begin < 0) continue;
    const { snapshot } = JSON.parse(`${head.slice(0, head.lastIndexOf(",", begin))}}`) as V8Header;
    nodes = new V8Nodes(snapshot.meta);
    if (nodes.take(new TextEncoder().encode(head.slice(begin + NODES.length)))) break;
  }
  if (!nodes) throw new Error("a heap snapshot without nodes: has V8 changed its format?");
  return { objects: nodes.objects, held: nodes.bytes / 1_024 };
}

/** The numbers of all nodes, one after the other, up to the bracket. */
class V8Nodes {
  objects = 0;
  bytes = 0;
  readonly #counted: boolean[];
  readonly #fields: number;
  readonly #type: number;
  readonly #size: number;
  #field = 0;
  #number = 0;
  #digits = 0;
  #counts = false;

  constructor({ node_fields, node_types }: V8Header["snapshot"]["meta"]) {
    this.#counted = node_types[0].map((name) => !NOT_HELD.has(name));
    this.#fields = node_fields.length;
    this.#type = node_fields.indexOf("type");
    this.#size = node_fields.indexOf("self_size");
  }

  /** Whether that was the last of them. */
  take(text: Uint8Array): boolean {
    for (const byte of text) {
      const digit = byte - 48;
      if (digit >= 0 && digit <= 9) {
        this.#number = this.#number * 10 + digit;
        this.#digits++;
      } else if (this.#digits > 0) this.#end();
      if (byte === 93) return true; // ]
    }
    return false;
  }

  #end(): void {
    if (this.#field === this.#type) this.#counts = this.#counted[this.#number]!;
    if (this.#field === this.#type && this.#counts) this.objects++;
    if (this.#field === this.#size && this.#counts) this.bytes += this.#number;
    this.#field = (this.#field + 1) % this.#fields;
    this.#number = this.#digits = 0;
  }
}
