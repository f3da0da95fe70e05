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

/** A band at the candle that it is for. */
export interface PlacedBand extends Band {
  readonly asOf: number;
  /** The candle that it is for, as an index: past the last one while that is still to come. */
  readonly target: number;
}

/** What became of a band. */
export interface Outcome extends PlacedBand {
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

/** What was and is predicted of candles. */
export interface Forecasted {
  readonly bands: readonly PlacedBand[];
  /** None of a model whose target is not the close of a bar. */
  readonly outcomes: readonly Outcome[];
  readonly ahead: Ahead | undefined;
}

/** Sets forecasts, by the close of the bar that they are from, beside the candles. */
export function forecastedOf(
  forecasts: ReadonlyMap<number, Forecast>,
  candles: readonly Candle[],
  { ofCloses }: { ofCloses: boolean },
): Forecasted {
  const bands = placedBands(forecasts.values(), candles);
  const outcomes = ofCloses ? outcomesOf(bands, candles) : [];
  return { bands, outcomes, ahead: aheadOf(forecasts, candles) };
}

/** The bands of forecasts from candles that are held, in the order of their targets. */
function placedBands(
  forecasts: Iterable<Forecast>,
  candles: readonly Candle[],
): readonly PlacedBand[] {
  const places = new Map(candles.map(({ closeTime }, index) => [closeTime, index]));
  const placed: PlacedBand[] = [];
  for (const { asOf, horizonBars, band } of forecasts) {
    const from = places.get(asOf);
    if (band && from !== undefined) {
      const { lower, upper } = band;
      placed.push({ asOf, target: from + horizonBars, lower, upper });
    }
  }
  return placed.sort((one, other) => one.target - other.target);
}

/** What became of the bands whose target has closed. */
function outcomesOf(bands: readonly PlacedBand[], candles: readonly Candle[]): readonly Outcome[] {
  return bands.flatMap((band) => {
    const close = candles[band.target]?.close;
    return close === undefined
      ? []
      : { ...band, close, inside: band.lower <= close && close <= band.upper };
  });
}

/** The forecast from the newest candle that has one. */
function aheadOf(
  forecasts: ReadonlyMap<number, Forecast>,
  candles: readonly Candle[],
): Ahead | undefined {
  const from = candles.findLastIndex(({ closeTime }) => forecasts.has(closeTime));
  const candle = candles[from];
  const forecast = candle && forecasts.get(candle.closeTime);
  return forecast && { forecast, from, close: candle.close };
}
