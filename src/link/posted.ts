import type { WaymeetError } from "../wire/error.ts";
import { hex } from "../identity/hex.ts";
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
  readonly #delivered = new Fate();
  readonly #processed = new Fate();

  constructor(outgoing: Outgoing, onStatus: ((posted: Posted) => void) | undefined) {
    this.id = hex(outgoing.id);
    this.outgoing = outgoing;
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

  get delivered(): Promise<Delivery> {
    return this.#delivered.promise;
  }
  get processed(): Promise<Delivery> {
    return this.#processed.promise;
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
    this.#processed.reject(error);
  }

  #follow(): void {
    const { id, times } = this;
    switch (this.status) {
      case "delivered":
        return this.#delivered.resolve({ id, times });
      case "processed":
        this.#delivered.resolve({ id, times });
        return this.#processed.resolve({ id, times });
      case "failed":
        this.#delivered.reject(this.reason!);
        return this.#processed.reject(this.reason!);
    }
  }
}

/** A promise that is made when somebody first asks for it: of most messages only one is looked at. */
class Fate {
  #promise: Promise<Delivery> | undefined;
  #known: Delivery | Error | undefined;
  #tell: ((known: Delivery | Error) => void) | undefined;

  get promise(): Promise<Delivery> {
    return this.#promise ??= this.#make();
  }

  #make(): Promise<Delivery> {
    const promise = new Promise<Delivery>((resolve, reject) => {
      const tell = (known: Delivery | Error) => known instanceof Error ? reject(known) : resolve(known);
      if (this.#known) tell(this.#known);
      else this.#tell = tell;
    });
    promise.catch(() => {}); // who only looks at `status` causes no unhandled rejection
    return promise;
  }

  resolve(delivery: Delivery): void {
    this.#settle(delivery);
  }

  reject(error: Error): void {
    this.#settle(error);
  }

  /** What is known first stays. */
  #settle(known: Delivery | Error): void {
    if (this.#known) return;
    this.#known = known;
    this.#tell?.(known);
    this.#tell = undefined;
  }
}
