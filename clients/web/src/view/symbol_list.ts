import type { Symbols } from "../desk/symbols.js";
import { matching, moved, windowOf } from "../logic/rows.js";
import { find, say } from "./find.js";
import { rowId, SymbolRow } from "./symbol_row.js";

const ROW = 44;
const AROUND = 4;

/** The symbols, of which only those in sight have rows; used with the keyboard or the mouse. */
export class SymbolList {
  readonly #filter = find("#filter", HTMLInputElement);
  readonly #list = find("#symbols", HTMLElement);
  readonly #room = find("#symbols-room", HTMLElement);
  readonly #count = find("#symbols-count", HTMLElement);
  readonly #select: (symbol: string) => void;
  readonly #rows = new Map<string, SymbolRow>();
  #symbols: Symbols | undefined;
  #shown: readonly string[] = [];
  #selected: string | undefined;

  constructor(select: (symbol: string) => void, changed: () => void) {
    this.#select = select;
    this.#list.addEventListener("scroll", changed, { passive: true });
    this.#filter.addEventListener("input", () => {
      this.#match();
      this.#list.scrollTop = 0;
      changed();
    });
    new ResizeObserver(changed).observe(this.#list);
    this.#list.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-symbol]");
      const symbol = row?.dataset["symbol"];
      if (symbol !== undefined) {
        this.#select(symbol);
      }
    });
    document.addEventListener("keydown", (event) => {
      this.#pressed(event);
    });
  }

  show(symbols: Symbols | undefined, selected: string | undefined): void {
    this.#symbols = symbols;
    this.#match();
    say(this.#count, this.#countInWords());
    if (selected !== this.#selected) {
      this.#selected = selected;
      this.#reveal();
    }
    this.#room.style.height = `${this.#shown.length * ROW}px`;
    this.#draw();
  }

  #match(): void {
    this.#shown = matching(this.#symbols?.names ?? [], this.#filter.value);
  }

  #countInWords(): string {
    const all = this.#symbols?.names.length ?? 0;
    const found = this.#shown.length;
    if (found < all) {
      return found === 0 ? `None of ${all} matches: Esc shows all` : `${found} of ${all}`;
    }
    return all === 1 ? "1 symbol" : `${all} symbols`;
  }

  #draw(): void {
    const { first, last } = windowOf(this.#shown.length, {
      top: this.#list.scrollTop,
      height: this.#list.clientHeight,
      row: ROW,
      around: AROUND,
    });
    const inSight = this.#shown.slice(first, last);
    const wanted = new Set(inSight);
    for (const [symbol, row] of this.#rows) {
      if (!wanted.has(symbol)) {
        row.element.remove();
        this.#rows.delete(symbol);
      }
    }
    inSight.forEach((symbol, index) => {
      this.#drawRow(symbol, first + index);
    });
    this.#point();
    this.#symbols?.want(inSight);
  }

  #drawRow(symbol: string, index: number): void {
    const state = this.#symbols?.state(symbol);
    if (!state) {
      return;
    }
    let row = this.#rows.get(symbol);
    if (!row) {
      row = new SymbolRow(symbol);
      this.#rows.set(symbol, row);
      this.#room.append(row.element);
    }
    row.show(state, { index, count: this.#shown.length, top: index * ROW });
    row.selected = symbol === this.#selected;
  }

  /** Tells assistive technology which row is the selected one. */
  #point(): void {
    if (this.#selected !== undefined && this.#rows.has(this.#selected)) {
      this.#list.setAttribute("aria-activedescendant", rowId(this.#selected));
    } else {
      this.#list.removeAttribute("aria-activedescendant");
    }
  }

  #reveal(): void {
    const index = this.#selected === undefined ? -1 : this.#shown.indexOf(this.#selected);
    if (index >= 0) {
      const { scrollTop, clientHeight } = this.#list;
      const top = index * ROW;
      this.#list.scrollTop = Math.max(top + ROW - clientHeight, Math.min(scrollTop, top));
    }
  }

  #pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const filtering = document.activeElement === this.#filter;
    if (event.key === "/" && !filtering) {
      this.#filter.focus();
      this.#filter.select();
    } else if (event.key === "Escape" && filtering) {
      this.#filter.value = "";
      this.#filter.dispatchEvent(new Event("input"));
      this.#list.focus();
    } else if (event.key === "Enter" && filtering) {
      this.#selectBest();
      this.#list.focus();
    } else if (document.activeElement !== this.#list && !(filtering && isVertical(event.key))) {
      return;
    } else if (!this.#moveBy(event.key)) {
      return;
    }
    event.preventDefault();
  }

  #selectBest(): void {
    const best = this.#shown[0];
    if (best !== undefined && !this.#shown.includes(this.#selected ?? "")) {
      this.#select(best);
    }
  }

  #moveBy(key: string): boolean {
    const target = moved(key, {
      index: this.#shown.indexOf(this.#selected ?? ""),
      count: this.#shown.length,
      page: Math.max(1, Math.floor(this.#list.clientHeight / ROW) - 1),
    });
    const symbol = target === undefined ? undefined : this.#shown[target];
    if (symbol === undefined) {
      return false;
    }
    this.#select(symbol);
    return true;
  }
}

/** In the filter the other keys move its caret. */
function isVertical(key: string): boolean {
  return key === "ArrowDown" || key === "ArrowUp";
}
