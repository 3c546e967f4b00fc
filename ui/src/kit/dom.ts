// Builds elements. Text is always text: there is no way to hand in HTML, so nothing that a box or a till names can become markup,
// and no way to hand in a style, because head office's content policy forbids them in attributes.

export type Child = Node | string | number | null | undefined | false | readonly Child[];
type Listener = (event: Event) => void;
export type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element: `h('button', { type: 'button', click: act }, 'Go')`. A function listens to the event of that name. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes | null = null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return dress(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function s<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes | null = null,
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return dress(document.createElementNS(SVG, name), attributes, children);
}

function dress<E extends Element>(element: E, attributes: Attributes | null, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** Appends children, however deep they are listed; nothing for `null` and `false`. */
export function append(parent: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child as readonly Child[]);
    else parent.append(child instanceof Node ? child : String(child));
  }
}

/** An id that no other element has, to tie a label to what it labels. */
export function freshId(stem: string): string {
  made += 1;
  return `${stem}-${made}`;
}
let made = 0;

/**
 * Puts new content in the place of the old, and leaves the reader where they were: what was focused stays focused and what was unfolded
 * stays unfolded, if it is there again under the same `data-keep`.
 */
export function replaceKeeping(place: Element, content: Node): void {
  const focused = place.contains(document.activeElement)
    ? document.activeElement?.closest('[data-keep]')?.getAttribute('data-keep')
    : undefined;
  const unfolded = new Set(
    [...place.querySelectorAll('details[open][data-keep]')].map((one) => one.getAttribute('data-keep')),
  );
  place.replaceChildren(content);
  for (const one of place.querySelectorAll<HTMLDetailsElement>('details[data-keep]')) {
    if (unfolded.has(one.dataset['keep'] ?? null)) one.open = true;
  }
  if (focused) place.querySelector<HTMLElement>(`[data-keep="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
