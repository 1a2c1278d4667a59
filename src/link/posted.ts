import type { WaymeetError } from "../wire/error.ts";
import { hex } from "./message.ts";
import type { Delivery, MessageStatus, Outgoing, StatusTimes } from "./outgoing.ts";

/** A message that was given to a link, and what becomes of it. */
export interface Posted extends Delivery {
  readonly status: MessageStatus;
  readonly times: StatusTimes;
  /** Why it failed, when it did. */
  readonly reason: WaymeetError | undefined;
  /** Resolves when the other process has the message; rejects with the reason when it will not be sent any more. */
  readonly delivered: Promise<Delivery>;
  /**
   * Resolves when the application there called `message.ack()`; only for messages posted with
   * `{ asks: true }`. Rejects with `peer-restarted` when the process that had the message ended
   * before: post it again under its id.
   */
  readonly processed: Promise<Delivery>;
}

/** The promises of one message. */
export class PostedMessage implements Posted {
  readonly id: string;
  readonly outgoing: Outgoing;
  readonly delivered: Promise<Delivery>;
  readonly processed: Promise<Delivery>;
  #settle!: { delivered: Settle; processed: Settle };

  constructor(outgoing: Outgoing, onStatus: ((posted: Posted) => void) | undefined) {
    this.id = hex(outgoing.id);
    this.outgoing = outgoing;
    const delivered = promise();
    const processed = promise();
    this.delivered = delivered.promise;
    this.processed = processed.promise;
    this.#settle = { delivered: delivered.settle, processed: processed.settle };
    outgoing.onStatus = () => {
      this.#follow();
      if (onStatus) this.#tell(onStatus);
    };
  }

  /** What the program's function throws is the program's, uncaught as from an event listener: the link goes on. */
  #tell(onStatus: (posted: Posted) => void): void {
    try {
      onStatus(this);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  get status(): MessageStatus {
    return this.outgoing.status;
  }
  get times(): StatusTimes {
    return this.outgoing.times;
  }
  get reason(): WaymeetError | undefined {
    return this.outgoing.reason;
  }

  /** `processed` will not come any more. */
  abandon(error: WaymeetError): void {
    this.#settle.processed.reject(error);
  }

  #follow(): void {
    const delivery = { id: this.id, times: this.times };
    switch (this.status) {
      case "delivered":
        return this.#settle.delivered.resolve(delivery);
      case "processed":
        this.#settle.delivered.resolve(delivery);
        return this.#settle.processed.resolve(delivery);
      case "failed":
        this.#settle.delivered.reject(this.reason!);
        return this.#settle.processed.reject(this.reason!);
    }
  }
}

interface Settle {
  resolve(delivery: Delivery): void;
  reject(error: Error): void;
}

/** A promise nobody has to watch: who only looks at `status` causes no unhandled rejection. */
function promise(): { promise: Promise<Delivery>; settle: Settle } {
  let settle!: Settle;
  const promise = new Promise<Delivery>((resolve, reject) => settle = { resolve, reject });
  promise.catch(() => {});
  return { promise, settle };
}
