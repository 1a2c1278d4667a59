/** What the NATS fabric needs of a connection to NATS (docs.nats.io/reference/nats-protocol). */

/** A message of a subject. */
export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where an answer belongs. */
  readonly reply: string | undefined;
  /** The server's own word: nobody has subscribed to what was published with this as its reply. */
  readonly nobody: boolean;
}

/** How the connection is doing. */
export interface NatsState {
  readonly connected: boolean;
  /** `host:port`, without credentials; the last one while there is none. */
  readonly server: string | undefined;
  /** Why there is no connection, or what the server does not allow; `undefined`: nothing is wrong. */
  readonly problem: string | undefined;
  /** Connections after the first. */
  readonly reconnections: number;
}

/**
 * One connection at a time to one server of a cluster. It delivers at most once; what is published while
 * there is none is lost, so {@link NatsState.connected} is asked before.
 */
export interface NatsPort {
  readonly state: NatsState;
  /** Bytes of the largest message. */
  readonly maxPayload: number;
  /** MUST NOT deliver to this connection what it publishes itself. `data` MUST NOT change afterwards. */
  publish(subject: string, data: Uint8Array, reply?: string): void;
  /** The first answer; `undefined` when nobody is there or nobody answered within `patience` milliseconds. */
  request(subject: string, data: Uint8Array, patience: number): Promise<Uint8Array | undefined>;
  /** MUST hold over all connections. In a `queue` one member gets each message. */
  subscribe(subject: string, hear: (message: NatsMessage) => void, queue?: string): void;
  /** MUST resolve when the server has read all that was published before; stays open when the connection is lost. */
  flush(): Promise<void>;
  /** Gives up the connection, which is `why` of no use, and makes another, to another server first. */
  renew(why: string): void;
  /** MUST call `changed` after each change of {@link state}. */
  watch(changed: () => void): void;
  close(): Promise<void>;
}
