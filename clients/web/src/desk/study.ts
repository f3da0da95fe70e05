import { type PredictionEvent, type TickcastClient, TickcastError } from "@tickcast/client";
import type { Prediction } from "@tickcast/client/v1/prediction_pb";
import { type Candle, extended } from "../logic/candles.js";
import { type Forecast, type Forecasted, forecastedOf } from "../logic/forecasts.js";
import { barsAfter, lastBars, type Series } from "../server/bars.js";
import { seconds } from "../server/instants.js";
import { pastPredictions } from "../server/past_predictions.js";
import { Coalesced } from "./coalesced.js";
import type { Asked } from "./models.js";
import type { SymbolState } from "./symbols.js";

const CANDLES = 300;
const PAST_PREDICTIONS = 200;

/** The chosen symbol: its candles, and what was predicted from each. */
export class Study {
  readonly series: Series;
  readonly #client: TickcastClient;
  readonly #asked: Asked;
  readonly #state: SymbolState;
  readonly #changed: () => void;
  readonly #ending = new AbortController();
  readonly #following = new Coalesced(() => this.#follow());
  readonly #forecasts = new Map<number, Forecast>();
  #candles: readonly Candle[] = [];
  #forecasted: Forecasted | undefined;
  #refusal: TickcastError | undefined;
  #loaded = false;
  #lookedBack = false;

  constructor(client: TickcastClient, asked: Asked, state: SymbolState, changed: () => void) {
    this.series = { symbol: state.symbol, timeframe: asked.timeframe };
    this.#client = client;
    this.#asked = asked;
    this.#state = state;
    this.#changed = changed;
  }

  /** Oldest first: the same array until there is a new one. */
  get candles(): readonly Candle[] {
    return this.#candles;
  }

  /** What was and is predicted of the candles: the same object until there is a new one. */
  get forecasted(): Forecasted {
    this.#forecasted ??= forecastedOf(this.#forecasts, this.#candles, this.#asked);
    return this.#forecasted;
  }

  /** Why there are no candles, when the server says so. */
  get refusal(): TickcastError | undefined {
    return this.#refusal;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** Brings everything up to date; called again after an outage. */
  refresh(): void {
    void this.#following.run();
  }

  end(): void {
    this.#ending.abort();
  }

  /** Takes an event of this symbol in. */
  took(event: PredictionEvent): void {
    this.#keep(event);
    this.refresh();
  }

  async #follow(): Promise<void> {
    const signal = this.#ending.signal;
    try {
      this.#extend(await this.#newBars(signal));
      this.#loaded = true;
      this.#refusal = undefined;
      if (!this.#lookedBack) {
        void this.#lookBack(signal);
      }
    } catch (thrown) {
      const error = TickcastError.from(thrown);
      this.#refusal = error.retryable ? undefined : error;
    }
    this.#tell(signal);
  }

  #newBars(signal: AbortSignal): Promise<readonly Candle[]> {
    const last = this.#candles.at(-1);
    return last
      ? barsAfter(this.#client, this.series, last.openTime, { signal })
      : lastBars(
          this.#client,
          this.series,
          { count: CANDLES, extent: this.#state.extent },
          { signal },
        );
  }

  async #lookBack(signal: AbortSignal): Promise<void> {
    this.#lookedBack = true;
    const last = this.#state.position;
    const count = Math.min(PAST_PREDICTIONS, this.#candles.length - 1);
    if (!last || count < 1) {
      return;
    }
    try {
      const past = pastPredictions(this.#client, this.#asked.model, { last, count, signal });
      for await (const event of past) {
        this.#keep(event);
        this.#tell(signal);
      }
    } catch {
      // Whatever keeps the server from answering is told by the main stream, and its end brings
      // another look back.
      this.#lookedBack = false;
    }
  }

  #tell(signal: AbortSignal): void {
    if (!signal.aborted) {
      this.#changed();
    }
  }

  #keep(event: PredictionEvent): void {
    if (event.case !== "prediction") {
      return;
    }
    const forecast = forecastOf(event.value);
    if (forecast) {
      this.#forecasts.set(forecast.asOf, forecast);
      this.#forecasted = undefined;
    }
  }

  #extend(coming: readonly Candle[]): void {
    this.#candles = extended(this.#candles, coming, CANDLES);
    this.#forecasted = undefined;
    const oldest = this.#candles[0]?.closeTime ?? 0;
    for (const asOf of this.#forecasts.keys()) {
      if (asOf < oldest) {
        this.#forecasts.delete(asOf);
      }
    }
  }
}

function forecastOf(prediction: Prediction): Forecast | undefined {
  const { predictedPrice: price, priceInterval: band, horizonBars } = prediction;
  return price === undefined
    ? undefined
    : { asOf: seconds(prediction.asOfTime), horizonBars, price, band };
}
