/** What an element has besides its children: properties, `data-`, `aria-` and other attributes, listeners. */
export type Fields = Record<string, unknown>;
export type Child = Node | string | number | false | null | undefined;

/**
 * Makes an element. Children that are text stay text: nothing that somebody else wrote is
 * ever parsed as HTML. Fields: `class`, `onclick` and other listeners, whatever the element
 * has as a property, and attributes for all the rest.
 *
 * @example
 * ```ts ignore
 * h("button", { class: "quiet", "aria-label": "Close", onclick: close }, "×");
 * ```
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  fields: Fields = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(fields)) put(element, key, value);
  element.append(...present(children));
  return element;
}

/** Puts `children` in place of what is in `element`. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...present(children));
}

function present(children: Child[]): (Node | string)[] {
  const there = children.filter((child) => child !== false && child !== null && child !== undefined);
  return there.map((child) => child instanceof Node ? child : String(child));
}

function put(element: HTMLElement, key: string, value: unknown): void {
  if (value === undefined || value === false || value === null) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value as EventListener);
  else if (key === "class") element.className = String(value);
  else if (key in element && !key.includes("-")) (element as unknown as Fields)[key] = value;
  else element.setAttribute(key, value === true ? "" : String(value));
}

/**
 * Keeps a list of elements equal to a list of things, touching only what changed: what a
 * person has selected or focused stays, and a screen reader hears only what is new.
 */
export class List<Thing> {
  readonly #root: Element;
  readonly #key: (thing: Thing) => string;
  readonly #make: (thing: Thing) => HTMLElement;
  #rows = new Map<string, { shape: string; element: HTMLElement }>();

  constructor(root: Element, key: (thing: Thing) => string, make: (thing: Thing) => HTMLElement) {
    this.#root = root;
    this.#key = key;
    this.#make = make;
  }

  show(things: Thing[]): void {
    const rows = new Map<string, { shape: string; element: HTMLElement }>();
    let after: Element | null = null;
    for (const thing of things) {
      const key = this.#key(thing);
      const row = this.#row(key, thing);
      rows.set(key, row);
      this.#place(row.element, after);
      after = row.element;
    }
    for (const [key, { element }] of this.#rows) if (rows.get(key)?.element !== element) element.remove();
    this.#rows = rows;
  }

  #row(key: string, thing: Thing): { shape: string; element: HTMLElement } {
    const shape = JSON.stringify(thing);
    const known = this.#rows.get(key);
    return known?.shape === shape ? known : { shape, element: this.#make(thing) };
  }

  #place(element: HTMLElement, after: Element | null): void {
    const next = after ? after.nextElementSibling : this.#root.firstElementChild;
    if (next !== element) this.#root.insertBefore(element, next);
  }
}
