import { type PredictionEvent, type TickcastClient, TickcastError } from "@tickcast/client";
import { Connection } from "../logic/connection.js";
import { NO_MODEL, noSymbols, noVersion, type Problem, problemOf } from "../logic/problem.js";
import { seconds } from "../server/instants.js";
import { predicts } from "../server/model_catalogue.js";
import { follow } from "../server/prediction_feed.js";
import { Coalesced } from "./coalesced.js";
import { Models } from "./models.js";
import { Study } from "./study.js";
import { Symbols } from "./symbols.js";

/** Models come and go without a word; this is how soon the page notices. */
const LOOK_EVERY_MS = 3_000;

/** What the page is to show first, if it is there. */
export interface Wanted {
  readonly model: string | undefined;
  readonly symbol: string | undefined;
}

/** All that the page knows, kept up to date. Draws nothing: it says `changed`. */
export class Desk {
  readonly connection = new Connection();
  readonly models: Models;
  readonly #client: TickcastClient;
  readonly #changed: () => void;
  readonly #looking = new Coalesced(() => this.#look());
  #following: { readonly model: string; readonly timeframe: string } | undefined;
  #ending = new AbortController();
  #symbols: Symbols | undefined;
  #selected: string | undefined;
  #study: Study | undefined;
  #refusal: TickcastError | undefined;
  #looked = false;
  #serverAheadSeconds = 0;

  constructor(client: TickcastClient, wanted: Wanted, changed: () => void) {
    this.#client = client;
    this.models = new Models(client, wanted.model);
    this.#selected = wanted.symbol;
    this.#changed = changed;
  }

  get symbols(): Symbols | undefined {
    return this.#symbols;
  }

  get selected(): string | undefined {
    return this.#selected;
  }

  get study(): Study | undefined {
    return this.#study;
  }

  /** By the server's clock, in seconds since 1970. */
  get now(): number {
    return Date.now() / 1_000 + this.#serverAheadSeconds;
  }

  /** What keeps the page from showing predictions at all. */
  get problem(): Problem | undefined {
    if (!this.#looked) {
      return undefined;
    }
    if (!this.models.model) {
      return NO_MODEL;
    }
    if (this.#refusal) {
      return problemOf(this.#refusal);
    }
    if (!this.#following) {
      const failure = this.models.version?.failure;
      return failure
        ? problemOf(TickcastError.ofStatus(failure))
        : noVersion(this.models.chosen ?? this.models.model.name);
    }
    const symbols = this.#symbols;
    return symbols?.listed && symbols.names.length === 0 ? noSymbols(symbols.timeframe) : undefined;
  }

  /** Keeps up with the server for as long as the page is open. */
  open(): void {
    void this.#looking.run();
    setInterval(() => void this.#looking.run(), LOOK_EVERY_MS);
  }

  /** Asks another model, or another version. */
  choose(name: string): void {
    this.models.choose(name);
    void this.#looking.run();
  }

  select(symbol: string): void {
    if (symbol !== this.#selected || !this.#study) {
      this.#selected = symbol;
      this.#begin();
    }
  }

  async #look(): Promise<void> {
    try {
      await this.models.refresh(AbortSignal.timeout(LOOK_EVERY_MS));
      this.#looked = true;
      this.#followChosen();
      if (!this.#following) {
        this.connection.heard();
      }
    } catch {
      if (!this.#following) {
        this.connection.lost();
      }
    }
    this.#changed();
  }

  #followChosen(): void {
    const version = this.models.version;
    const model = this.models.chosen;
    const wanted =
      model && version && predicts(version) ? { model, timeframe: version.timeframe } : undefined;
    const following = this.#following;
    if (wanted?.model === following?.model && wanted?.timeframe === following?.timeframe) {
      return;
    }
    this.#ending.abort();
    this.#study?.end();
    this.#study = undefined;
    this.#refusal = undefined;
    this.#following = wanted;
    if (wanted) {
      this.#follow(wanted.model, this.#symbolsOf(wanted.timeframe));
    } else {
      this.#symbols = undefined;
    }
  }

  #symbolsOf(timeframe: string): Symbols {
    if (this.#symbols?.timeframe === timeframe) {
      this.#symbols.forgetPredictions();
    } else {
      this.#symbols = new Symbols(this.#client, timeframe, this.#changed);
    }
    return this.#symbols;
  }

  #follow(model: string, symbols: Symbols): void {
    this.#ending = new AbortController();
    const listing = new Coalesced(() => this.#list(symbols));
    const listener = {
      took: (event: PredictionEvent) => {
        if (symbols.took(event) || event.case === "started") {
          void listing.run();
        }
        this.#took(event);
      },
      lost: (error: TickcastError) => {
        this.#refusal = error.retryable ? undefined : error;
        this.#changed();
      },
    };
    void follow(this.#client, model, this.connection, listener, this.#ending.signal);
  }

  #took(event: PredictionEvent): void {
    switch (event.case) {
      case "started":
        this.#refusal = undefined;
        this.#study?.refresh();
        break;
      case "heartbeat":
        this.#serverAheadSeconds = seconds(event.value.serverTime) - Date.now() / 1_000;
        break;
      case "gap":
        if (event.value.symbol === this.#selected) {
          this.#begin();
        }
        break;
      case "prediction":
      case "refusal":
        if (event.value.symbol === this.#selected) {
          this.#study?.took(event);
        }
    }
    this.#changed();
  }

  async #list(symbols: Symbols): Promise<void> {
    try {
      await symbols.refresh();
    } catch {
      // The stream tells of an outage, and lists again when it is over.
      return;
    }
    if (!this.#study && symbols === this.#symbols) {
      this.#begin();
    }
  }

  /** Studies the selected symbol anew; the first one while none is selected that is there. */
  #begin(): void {
    const symbols = this.#symbols;
    const first = symbols?.names[0];
    if (!symbols || first === undefined || !this.#following) {
      return;
    }
    const state = symbols.state(this.#selected ?? first) ?? symbols.state(first);
    if (state) {
      const { model, timeframe } = this.#following;
      this.#selected = state.symbol;
      this.#study?.end();
      this.#study = new Study(this.#client, model, timeframe, state, this.#changed);
      this.#study.refresh();
      this.#changed();
    }
  }
}
