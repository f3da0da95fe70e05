import { type Browser, chromium, type Page } from "playwright-core";

/** A headless Chromium of the system. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"];
  if (!executablePath) {
    throw new Error("CHROMIUM: was not set, needed the path of a Chromium (scripts/web sets it)");
  }
  return chromium.launch({ executablePath });
}

/** What is shown of the selected symbol, exactly. */
export interface Quote {
  readonly symbol: string;
  readonly lastClose: number;
  readonly predictedPrice: number;
  readonly predictedReturn: number;
  readonly lower: number;
  readonly upper: number;
  readonly asOf: number;
  readonly modelVersion: string;
}

const NUMBERS = ["lastClose", "predictedPrice", "predictedReturn", "lower", "upper", "asOf"];

/** Reads the numbers that the page shows. */
export async function quoteOn(page: Page): Promise<Quote> {
  const read = Object.entries(await exposed(page, "#quote")).map(([name, value]) => [
    name,
    NUMBERS.includes(name) ? Number(value) : value,
  ]);
  return Object.fromEntries(read) as Quote;
}

/** The data attributes of an element. */
export function exposed(page: Page, selector: string): Promise<Record<string, string>> {
  return page
    .locator(selector)
    .evaluate(
      (element: HTMLElement) =>
        Object.fromEntries(Object.entries(element.dataset)) as Record<string, string>,
    );
}

/** Waits until the page shows a prediction from a later bar than this, in seconds since 1970. */
export async function predictionAfter(page: Page, asOf: number): Promise<void> {
  await page.waitForFunction(
    (before) =>
      Number(document.querySelector<HTMLElement>("#quote")?.dataset["asOf"] ?? 0) > before,
    asOf,
  );
}
