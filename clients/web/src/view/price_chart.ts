import {
  CandlestickSeries,
  createChart,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type UTCTimestamp,
} from "lightweight-charts";
import type { Study } from "../desk/study.js";
import type { Candle } from "../logic/candles.js";
import type { Ahead, Forecasted } from "../logic/forecasts.js";
import { move, price } from "../logic/format.js";
import { readingOf } from "../logic/reading.js";
import { timeframeSeconds } from "../logic/timeframe.js";
import { find, say } from "./find.js";
import { ForecastLayer, NOTHING } from "./forecast_layer.js";
import { currentPalette } from "./palette.js";

const DAY = 86_400;
const BAR_SPACING = 9;
/** Bars of room to the right of what is predicted, for the labels of its end. */
const ROOM = 4;

/** Candles of the selected symbol, with what was and is predicted of it. */
export class PriceChart {
  readonly #container = find("#chart", HTMLElement);
  readonly #reading = find("#reading", HTMLElement);
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #layer = new ForecastLayer(currentPalette());
  readonly #predicted: IPriceLine;
  #study: Study | undefined;
  #drawn: readonly Candle[] | undefined;
  #forecasted: Forecasted = NOTHING;
  #pointed: number | undefined;

  constructor() {
    this.#chart = createChart(this.#container, {
      autoSize: true,
      // The page names it in its own words, in its footer.
      layout: { attributionLogo: false, fontSize: 11 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.08 } },
      timeScale: { borderVisible: false, barSpacing: BAR_SPACING, minBarSpacing: 1 },
      localization: { locale: "en" },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      lastValueVisible: true,
      priceLineVisible: false,
      priceFormat: { type: "custom", formatter: price, minMove: 1e-9 },
    });
    this.#candles.attachPrimitive(this.#layer);
    this.#predicted = this.#candles.createPriceLine({
      price: 0,
      lineVisible: false,
      axisLabelVisible: false,
    });
    this.#chart.subscribeCrosshairMove(({ logical }) => {
      this.#pointed = logical;
      this.#read();
    });
    this.paint();
  }

  show(study: Study | undefined): void {
    this.#container.hidden = !study || (study.loaded && study.candles.length === 0);
    if (study !== this.#study) {
      this.#study = study;
      this.#begin(study);
    }
    if (study) {
      this.#draw(study);
    }
  }

  /** Takes the colours of the page over. */
  paint(): void {
    const palette = currentPalette();
    this.#chart.applyOptions({
      layout: {
        background: { color: "transparent" },
        textColor: palette.quiet,
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      grid: { vertLines: { color: palette.grid }, horzLines: { color: palette.grid } },
      crosshair: {
        vertLine: { color: palette.quiet, labelBackgroundColor: palette.ink },
        horzLine: { color: palette.quiet, labelBackgroundColor: palette.ink },
      },
    });
    this.#candles.applyOptions({
      upColor: palette.up,
      downColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
    });
    this.#predicted.applyOptions({ color: palette.predicted, axisLabelColor: palette.predicted });
    this.#layer.paint(palette);
  }

  #begin(study: Study | undefined): void {
    this.#drawn = undefined;
    this.#forecasted = NOTHING;
    this.#candles.setData([]);
    this.#layer.show(NOTHING);
    this.#predicted.applyOptions({ axisLabelVisible: false });
    if (study) {
      this.#chart.applyOptions({
        timeScale: {
          timeVisible: timeframeSeconds(study.series.timeframe) < DAY,
          barSpacing: BAR_SPACING,
        },
      });
      this.#chart.timeScale().resetTimeScale();
    }
  }

  #draw(study: Study): void {
    const { candles, forecasted } = study;
    if (candles === this.#drawn && forecasted === this.#forecasted) {
      return;
    }
    if (candles !== this.#drawn) {
      this.#candles.setData(
        candles.map((candle) => ({ ...candle, time: candle.openTime as UTCTimestamp })),
      );
    }
    this.#drawn = candles;
    this.#forecasted = forecasted;
    this.#drawForecasts(study.series.symbol, forecasted);
    this.#read();
    this.#container.dataset["lastClose"] = String(candles.at(-1)?.close ?? "");
  }

  /** Says the candle that is pointed at, or the last. */
  #read(): void {
    const candles = this.#study?.candles ?? [];
    const index =
      this.#pointed !== undefined && candles[this.#pointed] ? this.#pointed : candles.length - 1;
    const outcome = this.#forecasted.outcomes.find(({ target }) => target === index);
    say(this.#reading, readingOf(candles[index], outcome));
  }

  #drawForecasts(symbol: string, forecasted: Forecasted): void {
    const { ahead } = forecasted;
    this.#layer.show(forecasted);
    this.#predicted.applyOptions({
      axisLabelVisible: ahead !== undefined,
      price: ahead?.forecast.price ?? 0,
    });
    this.#leaveRoom((ahead?.forecast.horizonBars ?? 0) + ROOM);
    this.#container.setAttribute("aria-label", inWords(symbol, ahead));
  }

  /** To the right of the last candle. Setting it scrolls there: it is left alone while it is so. */
  #leaveRoom(bars: number): void {
    const timeScale = this.#chart.timeScale();
    if (timeScale.options().rightOffset !== bars) {
      timeScale.applyOptions({ rightOffset: bars });
    }
  }
}

/** What the chart says, for who cannot see it. */
function inWords(symbol: string, ahead: Ahead | undefined): string {
  if (!ahead) {
    return `Candles of ${symbol}`;
  }
  const { close, forecast } = ahead;
  const expected = `${price(forecast.price)} (${move(Math.log(forecast.price / close))})`;
  const band = forecast.band
    ? `, between ${price(forecast.band.lower)} and ${price(forecast.band.upper)}`
    : "";
  return `Candles of ${symbol}, last at ${price(close)}; predicted ${expected}${band}`;
}
