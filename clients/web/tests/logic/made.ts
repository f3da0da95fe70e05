import type { Candle } from "../../src/logic/candles.js";

const DAY = 86_400;

/** The bar of a day, counted from 0. */
export function candle(day: number, close: number): Candle {
  const [openTime, closeTime] = [day * DAY, (day + 1) * DAY];
  return { openTime, closeTime, open: close, high: close + 1, low: close - 1, close };
}

/** One bar a day. */
export function candles(closes: readonly number[]): readonly Candle[] {
  return closes.map((close, day) => candle(day, close));
}
