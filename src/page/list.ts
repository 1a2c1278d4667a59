import { become } from "./patch.ts";

interface Row {
  /** What it shows, to see whether that changed. */
  shape: string;
  element: HTMLElement;
}

/**
 * Keeps a list of elements equal to a list of things. The element of a thing stays the same while the
 * thing is in the list, however often it changes: who is about to press it does not miss it, what a
 * person has selected or focused stays, and a screen reader hears only what is new.
 */
export class List<Thing> {
  readonly #root: Element;
  readonly #key: (thing: Thing) => string;
  readonly #make: (thing: Thing) => HTMLElement;
  #rows = new Map<string, Row>();

  /** `make` MUST give one kind of element for the same key. */
  constructor(root: Element, key: (thing: Thing) => string, make: (thing: Thing) => HTMLElement) {
    this.#root = root;
    this.#key = key;
    this.#make = make;
  }

  show(things: Thing[]): void {
    const rows = new Map(things.map((thing): [string, Row] => {
      const key = this.#key(thing);
      return [key, this.#row(this.#rows.get(key), thing)];
    }));
    // First, so that those behind need not move.
    for (const [key, { element }] of this.#rows) if (!rows.has(key)) element.remove();
    this.#rows = rows;
    let next = this.#root.firstElementChild;
    for (const { element } of rows.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#root.insertBefore(element, next);
    }
  }

  #row(known: Row | undefined, thing: Thing): Row {
    const shape = JSON.stringify(thing);
    if (known?.shape === shape) return known;
    const element = this.#make(thing);
    if (!known) return { shape, element };
    become(known.element, element);
    return { shape, element: known.element };
  }
}
