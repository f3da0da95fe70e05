import type { SymbolState } from "../desk/symbols.js";
import { move, price } from "../logic/format.js";
import { shortly } from "../logic/problem.js";
import { linePath } from "../logic/sparkline.js";
import { say } from "./find.js";

const SPARK_WIDTH = 72;
const SPARK_HEIGHT = 24;

/** One symbol of the list: its sparkline, last close and predicted move. */
export class SymbolRow {
  readonly element = document.createElement("div");
  readonly #name = part("span", "name");
  readonly #path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  readonly #close = part("span", "close");
  readonly #move = part("span", "move");
  #drawn: readonly number[] | undefined;

  constructor(symbol: string) {
    this.element.id = rowId(symbol);
    this.element.className = "row";
    this.element.dataset["symbol"] = symbol;
    this.element.setAttribute("role", "option");
    say(this.#name, symbol);
    this.element.append(this.#name, this.#spark(), this.#close, this.#move);
  }

  show(state: SymbolState, place: { index: number; count: number; top: number }): void {
    this.element.style.top = `${place.top}px`;
    this.element.setAttribute("aria-posinset", String(place.index + 1));
    this.element.setAttribute("aria-setsize", String(place.count));
    const { prediction, refusal, closes } = state;
    const close = prediction?.lastClose ?? closes?.at(-1);
    say(this.#close, close === undefined ? "" : price(close));
    const direction = prediction && (prediction.predictedReturn < 0 ? "down" : "up");
    this.#move.dataset["direction"] = direction ?? "none";
    this.#move.dataset["predictedReturn"] = prediction ? String(prediction.predictedReturn) : "";
    say(
      this.#move,
      prediction ? move(prediction.predictedReturn) : refusal ? shortly(refusal) : "",
    );
    if (closes !== this.#drawn) {
      this.#drawn = closes;
      this.#path.setAttribute("d", linePath(closes ?? [], SPARK_WIDTH, SPARK_HEIGHT));
    }
  }

  set selected(selected: boolean) {
    this.element.setAttribute("aria-selected", String(selected));
  }

  #spark(): SVGElement {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `-1 -1 ${SPARK_WIDTH + 2} ${SPARK_HEIGHT + 2}`);
    svg.setAttribute("class", "spark");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.#path);
    return svg;
  }
}

export function rowId(symbol: string): string {
  return `symbol-${symbol}`;
}

function part(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}
