import { expect, it } from "vitest";
import { extended, sinceForLast } from "../../src/logic/candles.js";
import { candle, candles } from "./made.js";

const DAY = 86_400;

it("asks for all bars of a series that has few", () => {
  const extent = { bars: 50, firstOpenTime: 0, lastCloseTime: 50 * DAY };
  expect(sinceForLast(40, extent)).toBeUndefined();
});

it("asks for more than enough bars of a series that has many", () => {
  const extent = { bars: 1_000, firstOpenTime: 0, lastCloseTime: 1_000 * DAY };
  expect(sinceForLast(40, extent)).toBe((1_000 - 60) * DAY);
});

it("asks further back where bars are rare", () => {
  const extent = { bars: 1_000, firstOpenTime: 0, lastCloseTime: 1_500 * DAY };
  expect(sinceForLast(40, extent)).toBe((1_500 - 90) * DAY);
});

it("appends the bars that follow, and keeps the last", () => {
  const held = candles([1, 2, 3]);
  const coming = [candle(3, 4), candle(4, 5)];
  expect(extended(held, coming, 4).map(({ close }) => close)).toEqual([2, 3, 4, 5]);
});

it("has each bar once when it comes twice", () => {
  const held = candles([1, 2, 3]);
  expect(extended(held, [candle(2, 3)], 10).map(({ close }) => close)).toEqual([1, 2, 3]);
});

it("is the same array while nothing comes", () => {
  const held = candles([1, 2, 3]);
  expect(extended(held, [], 10)).toBe(held);
});
