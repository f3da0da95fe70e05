import { type PredictionEvent, type TickcastClient, TickcastError } from "@tickcast/client";
import type { SymbolSummary } from "@tickcast/client/v1/market_data_service_pb";
import type { Prediction } from "@tickcast/client/v1/prediction_pb";
import type { StreamPosition } from "@tickcast/client/v1/stream_pb";
import type { Extent } from "../logic/candles.js";
import { lastBars } from "../server/bars.js";
import { seconds } from "../server/instants.js";

/** Closes in a sparkline. */
const CLOSES = 40;
/** A browser opens six connections to a server, of which streams hold one or two. */
const LOADS_AT_ONCE = 3;

/** What is known of one symbol in the timeframe of the model. */
export interface SymbolState {
  readonly symbol: string;
  extent: Extent;
  /** Of its last bar. */
  position: StreamPosition | undefined;
  prediction?: Prediction;
  /** Why its last bar has no prediction. */
  refusal?: TickcastError;
  /** The last closes, oldest first; absent until they are wanted. */
  closes?: readonly number[];
  /** When the last of them was, in seconds since 1970. */
  closedAt: number;
}

/** All symbols of a timeframe, as far as their rows show them. */
export class Symbols {
  readonly timeframe: string;
  readonly #client: TickcastClient;
  readonly #changed: () => void;
  readonly #states = new Map<string, SymbolState>();
  readonly #loading = new Set<string>();
  #names: readonly string[] = [];
  #listed = false;
  #wanted: readonly string[] = [];

  constructor(client: TickcastClient, timeframe: string, changed: () => void) {
    this.#client = client;
    this.timeframe = timeframe;
    this.#changed = changed;
  }

  /** Their names in alphabetical order: the same array until there is a new one. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Whether the server has been asked which there are. */
  get listed(): boolean {
    return this.#listed;
  }

  state(symbol: string): SymbolState | undefined {
    return this.#states.get(symbol);
  }

  /** Looks again which symbols there are. Throws `TickcastError`. */
  async refresh(): Promise<void> {
    const summaries = await this.#client.listSymbols();
    if (summaries.length === 0) {
      // The store was emptied.
      this.#states.clear();
      this.#names = [];
    }
    for (const summary of summaries) {
      if (summary.timeframe === this.timeframe) {
        const state = this.#stateOf(summary.symbol);
        state.extent = extentOf(summary);
        state.position ??= summary.position;
      }
    }
    this.#listed = true;
    this.#changed();
  }

  /** Forgets what was predicted: another model is asked. */
  forgetPredictions(): void {
    for (const state of this.#states.values()) {
      delete state.prediction;
      delete state.refusal;
    }
  }

  /** Takes an event in. Returns whether it tells of a symbol that was not known. */
  took(event: PredictionEvent): boolean {
    if (event.case !== "prediction" && event.case !== "refusal") {
      return false;
    }
    const known = this.#states.has(event.value.symbol);
    const state = this.#stateOf(event.value.symbol);
    state.position = event.position;
    if (event.case === "prediction") {
      state.prediction = event.value;
      delete state.refusal;
      this.#closed(state, seconds(event.value.asOfTime), event.value.lastClose);
    } else {
      state.refusal = refusalOf(event);
      delete state.prediction;
      // The event does not tell the close of its bar.
      delete state.closes;
    }
    this.#changed();
    return !known;
  }

  /** Says whose closes are in sight: they are loaded, a few symbols at a time. */
  want(symbols: readonly string[]): void {
    this.#wanted = symbols;
    this.#loadWanted();
  }

  #stateOf(symbol: string): SymbolState {
    const found = this.#states.get(symbol);
    if (found) {
      return found;
    }
    const extent = { bars: 0, firstOpenTime: 0, lastCloseTime: 0 };
    const added: SymbolState = { symbol, extent, position: undefined, closedAt: 0 };
    this.#states.set(symbol, added);
    this.#names = [...this.#states.keys()].sort();
    return added;
  }

  #closed(state: SymbolState, closeTime: number, close: number): void {
    if (state.closes && closeTime > state.closedAt) {
      state.closes = [...state.closes, close].slice(-CLOSES);
      state.closedAt = closeTime;
    }
  }

  #loadWanted(): void {
    for (const symbol of this.#wanted) {
      if (this.#loading.size >= LOADS_AT_ONCE) {
        return;
      }
      const state = this.#states.get(symbol);
      if (state && !state.closes && !this.#loading.has(symbol)) {
        void this.#load(state);
      }
    }
  }

  async #load(state: SymbolState): Promise<void> {
    this.#loading.add(state.symbol);
    try {
      const series = { symbol: state.symbol, timeframe: this.timeframe };
      const bars = await lastBars(this.#client, series, {
        count: CLOSES,
        extent: state.extent,
      });
      state.closes = bars.map(({ close }) => close);
      state.closedAt = bars.at(-1)?.closeTime ?? 0;
      this.#changed();
      this.#loading.delete(state.symbol);
      this.#loadWanted();
    } catch {
      // Whatever keeps the server from answering is told by the stream; the next look asks again.
      this.#loading.delete(state.symbol);
    }
  }
}

function refusalOf(event: PredictionEvent & { case: "refusal" }): TickcastError {
  if (!event.value.error) {
    throw new TypeError("the server's refusal lacks what the contract promises");
  }
  return TickcastError.ofStatus(event.value.error);
}

function extentOf(summary: SymbolSummary): Extent {
  return {
    bars: Number(summary.bars),
    firstOpenTime: seconds(summary.firstOpenTime),
    lastCloseTime: seconds(summary.lastCloseTime),
  };
}
