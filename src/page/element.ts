import { listen, patch } from "./patch.ts";

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

/** Puts `children` in place of what is in `element`, where those of the same kind stay: see {@link patch}. */
export function fill(element: Element, ...children: Child[]): void {
  patch(element, present(children));
}

function present(children: Child[]): Node[] {
  const there = children.filter((child) => child !== false && child !== null && child !== undefined);
  return there.map((child) => child instanceof Node ? child : document.createTextNode(String(child)));
}

function put(element: HTMLElement, key: string, value: unknown): void {
  if (value === undefined || value === false || value === null) return;
  if (key.startsWith("on")) listen(element, key.slice(2), value as EventListener);
  else if (key === "class") element.className = String(value);
  else if (key in element && !key.includes("-")) (element as unknown as Fields)[key] = value;
  else element.setAttribute(key, value === true ? "" : String(value));
}
