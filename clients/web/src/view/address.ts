import type { Desk, Wanted } from "../desk/desk.js";

/** What the page's address asks for, so that it can be kept and sent. */
export function wantedByAddress(): Wanted {
  const asked = new URLSearchParams(location.search);
  return { model: asked.get("model") ?? undefined, symbol: asked.get("symbol") ?? undefined };
}

/** Has the address say what is shown. */
export function shownInAddress({ models, selected }: Desk): void {
  const shown = new URLSearchParams();
  if (models.chosen !== undefined) {
    shown.set("model", models.chosen);
  }
  if (selected !== undefined) {
    shown.set("symbol", selected);
  }
  // Slashes mean nothing in a query, and read better as they are.
  const query = shown.toString().replaceAll("%2F", "/");
  if (query && location.search !== `?${query}`) {
    history.replaceState(null, "", `?${query}`);
  }
}
