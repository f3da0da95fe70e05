import type { Prediction } from "@tickcast/client/v1/prediction_pb";
import type { SymbolState } from "../desk/symbols.js";
import { age, instant, move, price, share } from "../logic/format.js";
import { seconds } from "../server/instants.js";
import { numberOf } from "../server/model_catalogue.js";
import { find, say } from "./find.js";

/** What is predicted of the selected symbol, in numbers, and what they rest on. */
export class QuoteView {
  readonly #quote = find("#quote", HTMLElement);
  readonly #move = find("[data-fact=predicted-move]", HTMLElement);
  readonly #facts = new Map(
    [...this.#quote.querySelectorAll<HTMLElement>("[data-fact]")].map((element) => [
      element.dataset["fact"] ?? "",
      element,
    ]),
  );

  show(state: SymbolState | undefined, timeframe: string, now: number): void {
    this.#quote.hidden = !state;
    if (!state) {
      return;
    }
    const { symbol, prediction } = state;
    this.#expose(symbol, prediction);
    const told: Told = {
      symbol,
      timeframe,
      ...(prediction ? inWords(prediction, now) : withoutPrediction(state)),
    };
    for (const [fact, element] of this.#facts) {
      say(element, told[fact] ?? "");
    }
    this.#move.dataset["direction"] = (prediction?.predictedReturn ?? 0) < 0 ? "down" : "up";
  }

  /** The numbers as they came, for whoever reads the page by program. */
  #expose(symbol: string, prediction: Prediction | undefined): void {
    const exact: Readonly<Record<string, string | number | undefined>> = {
      symbol,
      lastClose: prediction?.lastClose,
      predictedPrice: prediction?.predictedPrice,
      predictedReturn: prediction?.predictedReturn,
      lower: prediction?.priceInterval?.lower,
      upper: prediction?.priceInterval?.upper,
      asOf: prediction && seconds(prediction.asOfTime),
      modelVersion: prediction?.modelVersion,
    };
    for (const [name, value] of Object.entries(exact)) {
      this.#quote.dataset[name] = value === undefined ? "" : String(value);
    }
  }
}

/** Words by fact. */
type Told = Readonly<Record<string, string>>;

function inWords(prediction: Prediction, now: number): Told {
  const band = prediction.priceInterval;
  const asOf = seconds(prediction.asOfTime);
  return {
    "last-close": price(prediction.lastClose),
    "predicted-price": optional(prediction.predictedPrice, price),
    "predicted-move": move(prediction.predictedReturn),
    band: optional(band, ({ lower, upper }) => `${price(lower)} – ${price(upper)}`),
    coverage: band ? share(band.coverage) : "",
    rise: optional(prediction.directionProbability, share),
    target: instant(seconds(prediction.targetTime)),
    "as-of": instant(asOf),
    age: age(now - asOf),
    staleness: staleness(prediction),
    version: versionInWords(prediction.modelVersion),
  };
}

function withoutPrediction({ closes }: SymbolState): Told {
  const close = closes?.at(-1);
  return { "last-close": optional(close, price), "predicted-price": "–", band: "–", rise: "–" };
}

function optional<Value>(value: Value | undefined, form: (value: Value) => string): string {
  return value === undefined ? "–" : form(value);
}

function versionInWords(name: string): string {
  return `${name.split("/")[1] ?? ""} ${numberOf(name)}`;
}

function staleness({ featureProvenance }: Prediction): string {
  if (featureProvenance?.stale) {
    return "the store is away: newer bars may be there";
  }
  return featureProvenance?.outdated ? "outdated: newer bars should have come" : "";
}
