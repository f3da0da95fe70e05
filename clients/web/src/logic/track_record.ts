import type { Candle } from "./candles.js";

/** Prices that a close was predicted to lie between. */
export interface Band {
  readonly lower: number;
  readonly upper: number;
}

/** A close that was predicted, and when nothing later was known. */
export interface Forecast {
  /** Close of the last bar that was used, in seconds since 1970. */
  readonly asOf: number;
  /** How many bars ahead the close is. */
  readonly horizonBars: number;
  readonly price: number;
  /** Absent for a model that tells none. */
  readonly band: Band | undefined;
}

/** What became of a forecast. */
export interface Outcome {
  readonly asOf: number;
  readonly band: Band;
  /** The candle that it was for, as an index. */
  readonly target: number;
  readonly close: number;
  readonly inside: boolean;
}

/** The newest forecast from a bar that is held. */
export interface Ahead {
  readonly forecast: Forecast;
  /** The candle that it was made from, as an index. */
  readonly from: number;
  readonly close: number;
}

/** How often the close was inside the band. */
export interface TrackRecord {
  readonly inside: number;
  readonly realised: number;
  /** Forecasts from bars that the model was trained on, which say nothing of it: not counted. */
  readonly trainedOn: number;
}

/** The bands whose target has closed, in the order of the candles. */
export function outcomesOf(
  forecasts: Iterable<Forecast>,
  candles: readonly Candle[],
): readonly Outcome[] {
  const places = new Map(candles.map(({ closeTime }, index) => [closeTime, index]));
  const outcomes: Outcome[] = [];
  for (const { asOf, horizonBars, band } of forecasts) {
    const target = (places.get(asOf) ?? NaN) + horizonBars;
    const close = candles[target]?.close;
    if (band && close !== undefined) {
      const inside = band.lower <= close && close <= band.upper;
      outcomes.push({ asOf, band, target, close, inside });
    }
  }
  return outcomes.sort((one, other) => one.target - other.target);
}

/** The forecast from the newest candle that has one. */
export function aheadOf(
  forecasts: ReadonlyMap<number, Forecast>,
  candles: readonly Candle[],
): Ahead | undefined {
  const from = candles.findLastIndex(({ closeTime }) => forecasts.has(closeTime));
  const candle = candles[from];
  const forecast = candle && forecasts.get(candle.closeTime);
  return forecast && { forecast, from, close: candle.close };
}

/** Counts the outcomes of forecasts made from bars later than the training, in seconds since 1970. */
export function trackRecordOf(outcomes: readonly Outcome[], trainedUntil: number): TrackRecord {
  const counted = outcomes.filter(({ asOf }) => asOf >= trainedUntil);
  return {
    inside: counted.filter(({ inside }) => inside).length,
    realised: counted.length,
    trainedOn: outcomes.length - counted.length,
  };
}
