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
    this.#say("symbol", state.symbol);
    this.#say("timeframe", timeframe);
    this.#expose(state.symbol, state.prediction);
    const { prediction } = state;
    if (prediction) {
      this.#showPrediction(prediction, now);
    } else {
      this.#showNone(state.closes?.at(-1));
    }
  }

  #showNone(close: number | undefined): void {
    for (const fact of this.#facts.keys()) {
      if (fact !== "symbol" && fact !== "timeframe") {
        this.#say(fact, "");
      }
    }
    this.#say("last-close", optional(close, price));
    this.#say("predicted-price", "–");
    this.#say("band", "–");
    this.#say("rise", "–");
  }

  #showPrediction(prediction: Prediction, now: number): void {
    const { lastClose, predictedReturn, priceInterval: band } = prediction;
    const asOf = seconds(prediction.asOfTime);
    this.#say("last-close", price(lastClose));
    this.#say("predicted-price", optional(prediction.predictedPrice, price));
    this.#say("predicted-move", move(predictedReturn));
    this.#move.dataset["direction"] = predictedReturn < 0 ? "down" : "up";
    this.#say("band", band ? `${price(band.lower)} – ${price(band.upper)}` : "–");
    this.#say("coverage", band ? share(band.coverage) : "");
    this.#say("rise", optional(prediction.directionProbability, share));
    this.#say("target", instant(seconds(prediction.targetTime)));
    this.#say("as-of", instant(asOf));
    this.#say("age", age(now - asOf));
    this.#say("staleness", staleness(prediction));
    this.#say("version", versionInWords(prediction.modelVersion));
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

  #say(fact: string, text: string): void {
    const element = this.#facts.get(fact);
    if (element) {
      say(element, text);
    }
  }
}

function optional(value: number | undefined, form: (value: number) => string): string {
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
