import type { PipeOwner } from "../src/session/lane_socket.ts";

/** Pipes between processes of one machine that find each other by a path, as a runtime has them. */
export interface UnixSockets {
  /** Each connection gets its owner by `accept`. MUST drop them all when it is closed. */
  listen(path: string, accept: () => PipeOwner): Promise<{ close(): Promise<void> }>;
  /** `room`: bytes that each way may hold, a power of two, where the runtime lets that be chosen. */
  connect(path: string, owner: PipeOwner, room: number): void;
}
