/** The element that index.html has for a part of the page. */
export function find<Kind extends Element>(
  selector: string,
  kind: abstract new () => Kind,
  within: ParentNode = document,
): Kind {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) {
    throw new TypeError(`${selector}: was ${found?.tagName ?? "nothing"}, needed ${kind.name}`);
  }
  return found;
}

/** Sets the text of an element, and leaves one alone that has it. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
