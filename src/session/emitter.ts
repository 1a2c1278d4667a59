/** An event that carries fields of its own. */
export type EventWith<Fields> = Event & Readonly<Fields>;

/** A listener, as a function or an object. */
export type Listener<Fields> = ((event: EventWith<Fields>) => void) | {
  handleEvent(event: EventWith<Fields>): void;
};

/**
 * An `EventTarget` whose events are typed: `Events` maps each type to the fields of its
 * event.
 *
 * @example
 * ```ts
 * class Bell extends Emitter<{ ring: { times: number } }> {
 *   ring(times: number): void {
 *     this.emit("ring", { times });
 *   }
 * }
 * new Bell().addEventListener("ring", ({ times }) => console.log(times));
 * ```
 */
export class Emitter<Events extends object> extends EventTarget {
  override addEventListener<T extends keyof Events & string>(
    type: T,
    listener: Listener<Events[T]> | null,
    options?: AddEventListenerOptions | boolean,
  ): void {
    super.addEventListener(type, listener as EventListener | null, options);
  }

  override removeEventListener<T extends keyof Events & string>(
    type: T,
    listener: Listener<Events[T]> | null,
    options?: EventListenerOptions | boolean,
  ): void {
    super.removeEventListener(type, listener as EventListener | null, options);
  }

  /** Tells every listener; returns false when a cancelable event was cancelled. */
  protected emit<T extends keyof Events & string>(type: T, fields: Events[T]): boolean {
    return this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}
