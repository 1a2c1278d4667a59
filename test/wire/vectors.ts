import { readFileSync } from "node:fs";

export interface Named {
  name: string;
  hex: string;
}
export interface Refused {
  why: string;
  hex: string;
}

/** src/wire/vectors.json as it lies there. */
export interface Vectors {
  control: (Named & { frame: unknown })[];
  extended: (Named & { frame: unknown })[];
  data: (Named & { peer: string; payload: string })[];
  forward: (Named & { hops: number; source: string; destination: string; payload: string; egress: string })[];
  record: { seed: string; fields: unknown; body: string; signed: string; signature: string };
  edges: { seed: string; network: string; fields: unknown; signed: string; signature: string };
  topic: Record<string, unknown>;
  meshMac: { token: string; network: string; challenge: string; dialer: string; acceptor: string } & {
    byDialer: string;
    byAcceptor: string;
  };
  transcripts: Record<string, string | number>[];
  batches: (Named & { frames: string[] })[];
  invalid: { cbor: Refused[]; frame: Refused[]; contradictory: Refused[]; message: Refused[] };
}

export function readVectors(): Vectors {
  return JSON.parse(readFileSync(new URL("../../src/wire/vectors.json", import.meta.url), "utf8"));
}

export function readCddl(): string {
  return readFileSync(new URL("../../src/wire/waymeet.cddl", import.meta.url), "utf8");
}
