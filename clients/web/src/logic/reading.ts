import type { Candle } from "./candles.js";
import { instant, price } from "./format.js";
import type { Outcome } from "./forecasts.js";

/** A candle in numbers, and whether it closed inside the band that was predicted for it. */
export function readingOf(candle: Candle | undefined, outcome: Outcome | undefined): string {
  if (!candle) {
    return "";
  }
  const { open, high, low, close } = candle;
  const prices = `O ${price(open)}  H ${price(high)}  L ${price(low)}  C ${price(close)}`;
  const band = outcome
    ? `  ${outcome.inside ? "inside" : "outside"} ${price(outcome.lower)} – ${price(outcome.upper)}`
    : "";
  return `${instant(candle.openTime)}  ${prices}${band}`;
}
