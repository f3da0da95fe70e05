import { find } from "./find.js";

const KEPT = "tickcast-theme";

type Theme = "light" | "dark";

/** Light or dark: as the system is, or as the switch was set, which is remembered. */
export class ThemeSwitch {
  readonly #button = find("#theme", HTMLButtonElement);
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#button.addEventListener("click", () => {
      localStorage.setItem(KEPT, this.#theme === "dark" ? "light" : "dark");
      this.#show();
    });
    this.#system.addEventListener("change", () => {
      this.#show();
    });
    this.#show();
  }

  get #theme(): Theme {
    const kept = localStorage.getItem(KEPT);
    if (kept === "light" || kept === "dark") {
      return kept;
    }
    return this.#system.matches ? "dark" : "light";
  }

  #show(): void {
    document.documentElement.dataset["theme"] = this.#theme;
    this.#button.setAttribute("aria-checked", String(this.#theme === "dark"));
    this.#changed();
  }
}
