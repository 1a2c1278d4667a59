/** What a relay must offer to be measured. */

/** A sender and a receiver, connected to a relay, whose frames it passes from the one to the other. */
export interface Pair {
  /** What goes over the wire for `count` frames with payloads of `size` bytes, in this protocol's best form. */
  burst(size: number, count: number): Uint8Array;
  /** Frames of a size under way beyond which this relay drops some, where that is less than the load's own window. */
  window?(size: number): number;
  /** Sends such bytes at once. */
  write(bytes: Uint8Array): void;
  /** Told how many frames have arrived. */
  arrived: (count: number) => void;
  close(): void;
}

/** A relay's process. */
export interface Running {
  pid: number;
  port: number;
  stop(): void;
}

export interface Opponent {
  name: string;
  /** What was measured, e.g. `1.4.1`. */
  version(): string;
  /** The program is here. */
  installed(): boolean;
  /** The command that brings it. */
  install: string;
  /**
   * For "public", where strangers come, as its users run it; for the others without limits on who comes from one
   * address; for "idle", where memory is measured, with its garbage collected if it can be told to.
   */
  start(purpose: "relay" | "idle" | "public"): Promise<Running>;
  pair(relay: Running): Promise<Pair>;
  /** Prepares so many, and opens one by one those that prove themselves as {@link idle} does, with less work between. */
  newcomers?(relay: Running, count: number): Promise<() => Promise<{ close(): void }>>;
  /** One connection that has proved itself and then is silent, for the memory of it. */
  idle(relay: Running): Promise<{ close(): void }>;
}
