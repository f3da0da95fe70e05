import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Server } from "../../../typescript/tests/server.js";
import { exposed, openBrowser, predictionAfter, type Quote, quoteOn } from "./browser.js";

let server: Server;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await openBrowser();
  server = await Server.start();
});
afterAll(async () => {
  await Promise.all([browser.close(), server.stop()]);
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 760 } });
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) {
      complaints.push(message.text());
    }
  });
  await page.goto(server.baseUrl);
  await predictionAfter(page, 0);
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

/** What Predict says, as the page would show it. */
async function predicted(symbol: string): Promise<Quote> {
  const answer = await fetch(`${server.baseUrl}/tickcast.v1.PredictionService/Predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "models/tiny", symbol }),
  });
  const { prediction } = (await answer.json()) as {
    prediction: Quote & { priceInterval: { lower: number; upper: number }; asOfTime: string };
  };
  return {
    symbol: prediction.symbol,
    lastClose: prediction.lastClose,
    predictedPrice: prediction.predictedPrice,
    predictedReturn: prediction.predictedReturn,
    lower: prediction.priceInterval.lower,
    upper: prediction.priceInterval.upper,
    asOf: Date.parse(prediction.asOfTime) / 1_000,
    modelVersion: prediction.modelVersion,
  };
}

function selected(): Promise<string | null> {
  return page.locator("[role=option][aria-selected=true] .name").textContent();
}

describe("what is shown", () => {
  it("lists every symbol with its sparkline and the move that Predict tells", async () => {
    const rows = page.getByRole("listbox", { name: /^Symbols/ }).getByRole("option");
    expect(await rows.locator(".name").allTextContents()).toEqual(["AAPL", "GE", "MSFT"]);
    for (const row of await rows.all()) {
      const symbol = (await row.getAttribute("data-symbol")) ?? "";
      const told = await row.locator(".move").getAttribute("data-predicted-return");
      expect(Number(told)).toBe((await predicted(symbol)).predictedReturn);
      await row.locator("path[d^=M]").waitFor({ state: "attached" });
    }
  });

  it("has the numbers of Predict, bit for bit", async () => {
    expect(await quoteOn(page)).toEqual(await predicted("AAPL"));
  });

  it("follows a bar that closes, with its prediction and its candle", async () => {
    const before = await quoteOn(page);
    await server.bar();
    await predictionAfter(page, before.asOf);
    const quote = await quoteOn(page);
    expect(quote).toEqual(await predicted("AAPL"));
    await page.locator(`#chart[data-last-close="${quote.lastClose}"]`).waitFor();
  });

  it("counts how many closes were inside their bands, but those of the training", async () => {
    await page.getByText(/closes inside the band, built for 80%. 36 more are left out/).waitFor();
    const { inside, realised } = await exposed(page, "#record");
    const share = Number(inside) / Number(realised);
    expect(await page.locator("#record-share").textContent()).toBe(
      `${Number((100 * share).toFixed(1))}%`,
    );
    expect(await page.locator("#record-ticks .hit").count()).toBeGreaterThan(0);
    expect(await page.locator("#record-ticks .miss").count()).toBeGreaterThan(0);
  });

  it("tells who answered, from which bars, and how old they are", async () => {
    const quote = page.locator("#quote");
    expect(await quote.locator("[data-fact=version]").textContent()).toBe("tiny 1");
    expect(await quote.locator("[data-fact=as-of]").textContent()).toMatch(/^202\d-.* UTC$/);
    expect(await quote.locator("[data-fact=age]").textContent()).toMatch(/ y$/);
  });

  it("asks the version that is chosen", async () => {
    const version = "models/tiny/versions/1";
    const asked = page.waitForRequest(
      (request) =>
        request.url().endsWith("/StreamPredictions") &&
        !!request.postDataBuffer()?.includes(version),
    );
    await page.getByLabel("Version").selectOption(version);
    await asked;
    await page.waitForURL((url) => url.searchParams.get("model") === version);
    await expect.poll(() => quoteOn(page)).toEqual(await predicted("AAPL"));
  });
});

describe("the keyboard", () => {
  it("filters from anywhere, and selects what was found", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("ms");
    await page.keyboard.press("Enter");
    await page.waitForURL(/symbol=MSFT/);
    expect(await selected()).toBe("MSFT");
    expect(await page.locator("#symbols").evaluate((list) => list.matches(":focus"))).toBe(true);
  });

  it("shows all symbols again with Escape", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("zz");
    await page.getByText("None of 3 matches").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("3 symbols", { exact: true }).waitFor();
  });

  it("moves through the list, and says where it is", async () => {
    await page.locator("#symbols").focus();
    for (const [key, symbol] of [
      ["ArrowDown", "GE"],
      ["End", "MSFT"],
      ["ArrowUp", "GE"],
      ["Home", "AAPL"],
    ] as const) {
      await page.keyboard.press(key);
      await page.locator(`#symbols[aria-activedescendant="symbol-${symbol}"]`).waitFor();
      await page.locator(`#quote[data-symbol="${symbol}"]`).waitFor();
    }
  });
});

describe("what can go wrong", () => {
  it("goes on by itself when the server comes back, and says so meanwhile", async () => {
    const before = await quoteOn(page);
    await page.evaluate(() => (document.body.dataset["kept"] = "yes"));
    const noticed = page.locator("#health[data-state=reconnecting]").waitFor();
    await server.restart();
    await noticed;
    await page.locator("#health[data-state=serving]").waitFor();
    await server.bar();
    await predictionAfter(page, before.asOf);
    expect(await quoteOn(page)).toEqual(await predicted("AAPL"));
    expect(await page.locator("body").getAttribute("data-kept")).toBe("yes");
  });

  it("says in words that there is no model, and notices one", async () => {
    await server.removeModel();
    await page.getByText("This server has no model that predicts prices.").waitFor();
    expect(await page.locator("#problem").textContent()).toContain("tickcast train");
    await server.addModel();
    await page.locator("#problem").waitFor({ state: "hidden" });
    await predictionAfter(page, 0);
  });

  it("says in words that a version is not there", async () => {
    await page.goto(`${server.baseUrl}/?model=models/tiny/versions/9`);
    await page.getByText("This server does not hold models/tiny/versions/9.").waitFor();
  });
});

describe("the look", () => {
  it("is as the system's, until the switch is used, which is remembered", async () => {
    const theme = () => page.locator("html").getAttribute("data-theme");
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await theme()).toBe("dark");
    await page.getByRole("switch", { name: "Dark colours" }).click();
    expect(await theme()).toBe("light");
    await page.reload();
    await predictionAfter(page, 0);
    expect(await theme()).toBe("light");
  });

  it("fits a telephone", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
  });
});
