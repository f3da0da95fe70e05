import type { Problem } from "../logic/problem.js";
import { find, say } from "./find.js";

/** What is wrong, and what to do about it, in words. */
export class NoticeView {
  readonly #notice: HTMLElement;
  readonly #title: HTMLElement;
  readonly #advice: HTMLElement;

  constructor(selector: string) {
    this.#notice = find(selector, HTMLElement);
    this.#title = find(".title", HTMLElement, this.#notice);
    this.#advice = find(".advice", HTMLElement, this.#notice);
  }

  show(problem: Problem | undefined): void {
    this.#notice.hidden = !problem;
    say(this.#title, problem?.title ?? "");
    say(this.#advice, problem?.advice ?? "");
  }
}
