import { describe, expect, it } from "vitest";
import { aheadOf, type Forecast, outcomesOf, trackRecordOf } from "../../src/logic/track_record.js";
import { candles } from "./made.js";

const DAY = 86_400;

/** Made at the close of a day, counted from 0. */
function forecast(day: number, lower: number, upper: number, horizonBars = 1): Forecast {
  const price = (lower + upper) / 2;
  return { asOf: (day + 1) * DAY, horizonBars, price, band: { lower, upper } };
}

describe("an outcome", () => {
  it("is a hit when the close is inside the band, ends included", () => {
    const forecasts = [forecast(0, 11, 12), forecast(1, 11, 12), forecast(2, 11, 12)];
    const outcomes = outcomesOf(forecasts, candles([10, 11, 12, 12.01]));
    expect(outcomes.map(({ inside }) => inside)).toEqual([true, true, false]);
  });

  it("is judged as many bars later as the horizon says, over days without bars", () => {
    const held = candles([10, 20, 30]).map((bar, index) =>
      index === 2 ? { ...bar, openTime: 9 * DAY, closeTime: 10 * DAY } : bar,
    );
    expect(outcomesOf([forecast(0, 29, 31, 2)], held)).toMatchObject([{ target: 2, inside: true }]);
  });

  it("is not there before the target has closed", () => {
    expect(outcomesOf([forecast(2, 1, 2)], candles([1, 2, 3]))).toEqual([]);
  });

  it("is not there for a bar that is no longer held", () => {
    expect(outcomesOf([forecast(7, 1, 2)], candles([1, 2, 3]))).toEqual([]);
  });

  it("is not there where no band was told", () => {
    const unbounded = { ...forecast(0, 1, 2), band: undefined };
    expect(outcomesOf([unbounded], candles([1, 2]))).toEqual([]);
  });

  it("comes in the order of the bars", () => {
    const outcomes = outcomesOf([forecast(1, 1, 2), forecast(0, 1, 2)], candles([1, 2, 3]));
    expect(outcomes.map(({ target }) => target)).toEqual([1, 2]);
  });
});

describe("what is ahead", () => {
  const held = candles([1, 2, 3]);

  it("is the forecast from the newest bar that has one", () => {
    const forecasts = [forecast(0, 1, 2), forecast(1, 2, 3)].map(
      (made) => [made.asOf, made] as const,
    );
    expect(aheadOf(new Map(forecasts), held)).toMatchObject({ from: 1, close: 2 });
  });

  it("is not from a bar that has not come yet", () => {
    const coming = forecast(3, 1, 2);
    expect(aheadOf(new Map([[coming.asOf, coming]]), held)).toBeUndefined();
  });
});

describe("the record", () => {
  const outcomes = outcomesOf(
    [forecast(0, 0, 1), forecast(1, 0, 9), forecast(2, 0, 1), forecast(3, 0, 9)],
    candles([5, 5, 5, 5, 5]),
  );

  it("counts hits among what was realised", () => {
    expect(trackRecordOf(outcomes, 0)).toEqual({ inside: 2, realised: 4, trainedOn: 0 });
  });

  it("leaves out what the model was trained on", () => {
    expect(trackRecordOf(outcomes, 3 * DAY)).toEqual({ inside: 1, realised: 2, trainedOn: 2 });
  });
});
