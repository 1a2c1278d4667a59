/**
 * Makes what stands in the page equal to what was worked out anew, and keeps its elements: a button
 * that is being pressed, has the focus or is read aloud is the same one after it changed.
 *
 * @module
 */

const listeners = new WeakMap<Element, Map<string, EventListener>>();

/** As `addEventListener`, one listener for each type of event, which {@link become} exchanges. */
export function listen(element: Element, type: string, listener: EventListener): void {
  const known = listeners.get(element) ?? new Map<string, EventListener>();
  listeners.set(element, known.set(type, listener));
  element.addEventListener(type, listener);
}

/**
 * Puts `fresh` in place of the children of `parent`. A child stays where one of its kind follows: the
 * same element with the same first word in its class. So whatever may be missing beside others of its
 * element has a first word of its own.
 */
export function patch(parent: Element, fresh: readonly Node[]): void {
  const rest: Node[] = [...parent.childNodes];
  for (const node of fresh) {
    const found = rest.findIndex((old) => kindOf(old) === kindOf(node));
    if (found < 0) {
      parent.insertBefore(node, rest[0] ?? null);
      continue;
    }
    for (const gone of rest.splice(0, found)) parent.removeChild(gone);
    become(rest.shift()!, node);
  }
  for (const gone of rest) parent.removeChild(gone);
}

/** Gives `old` the attributes, listeners and children of `fresh`. What somebody typed into it stays. */
export function become(old: Node, fresh: Node): void {
  if (old instanceof Element && fresh instanceof Element) {
    takeAttributes(old, fresh);
    takeListeners(old, fresh);
    patch(old, [...fresh.childNodes]);
  } else if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
}

function kindOf(node: Node): string {
  const kind = node instanceof Element ? node.getAttribute("class")?.split(" ", 1) : "";
  return `${node.nodeName} ${kind ?? ""}`;
}

function takeAttributes(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function takeListeners(old: Element, fresh: Element): void {
  for (const [type, listener] of listeners.get(old) ?? []) old.removeEventListener(type, listener);
  listeners.delete(old);
  for (const [type, listener] of listeners.get(fresh) ?? []) listen(old, type, listener);
}
