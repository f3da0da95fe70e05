import { describe, expect, it } from "vitest";
import type { Candle } from "../../src/logic/candles.js";
import { type Forecast, type Forecasted, forecastedOf } from "../../src/logic/forecasts.js";
import { candles } from "./made.js";

const DAY = 86_400;

/** Made at the close of a day, counted from 0. */
function forecast(day: number, lower: number, upper: number, horizonBars = 1): Forecast {
  const price = (lower + upper) / 2;
  return { asOf: (day + 1) * DAY, horizonBars, price, band: { lower, upper } };
}

function forecasted(
  forecasts: readonly Forecast[],
  held: readonly Candle[],
  ofCloses = true,
): Forecasted {
  return forecastedOf(new Map(forecasts.map((made) => [made.asOf, made])), held, { ofCloses });
}

describe("an outcome", () => {
  it("is a hit when the close is inside the band, ends included", () => {
    const forecasts = [forecast(0, 11, 12), forecast(1, 11, 12), forecast(2, 11, 12)];
    const { outcomes } = forecasted(forecasts, candles([10, 11, 12, 12.01]));
    expect(outcomes.map(({ inside }) => inside)).toEqual([true, true, false]);
  });

  it("is judged as many bars later as the horizon says, over days without bars", () => {
    const held = candles([10, 20, 30]).map((bar, index) =>
      index === 2 ? { ...bar, openTime: 9 * DAY, closeTime: 10 * DAY } : bar,
    );
    expect(forecasted([forecast(0, 29, 31, 2)], held).outcomes).toMatchObject([
      { target: 2, inside: true },
    ]);
  });

  it("is not there before the target has closed", () => {
    const { outcomes, bands } = forecasted([forecast(2, 1, 2)], candles([1, 2, 3]));
    expect(outcomes).toEqual([]);
    expect(bands).toMatchObject([{ target: 3 }]);
  });

  it("is not there for a bar that is no longer held", () => {
    expect(forecasted([forecast(7, 1, 2)], candles([1, 2, 3])).bands).toEqual([]);
  });

  it("is not there where no band was told", () => {
    const unbounded = { ...forecast(0, 1, 2), band: undefined };
    expect(forecasted([unbounded], candles([1, 2])).bands).toEqual([]);
  });

  it("is not told of a model whose target is not a close", () => {
    const { outcomes, bands } = forecasted([forecast(0, 1, 2)], candles([1, 2]), false);
    expect(outcomes).toEqual([]);
    expect(bands).toHaveLength(1);
  });

  it("comes in the order of the bars", () => {
    const made = [forecast(1, 1, 2), forecast(0, 1, 2)];
    const { outcomes } = forecasted(made, candles([1, 2, 3]));
    expect(outcomes.map(({ target }) => target)).toEqual([1, 2]);
  });
});

describe("what is ahead", () => {
  const held = candles([1, 2, 3]);

  it("is the forecast from the newest bar that has one", () => {
    const made = [forecast(0, 1, 2), forecast(1, 2, 3)];
    expect(forecasted(made, held).ahead).toMatchObject({ from: 1, close: 2 });
  });

  it("is not from a bar that has not come yet", () => {
    expect(forecasted([forecast(3, 1, 2)], held).ahead).toBeUndefined();
  });
});
