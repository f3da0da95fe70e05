import { type PredictionEvent, type TickcastClient, TickcastError } from "@tickcast/client";
import { Connection } from "../logic/connection.js";
import {
  NO_MODEL,
  noSymbols,
  noVersion,
  type Problem,
  problemOf,
  STORE_REPLACED,
} from "../logic/problem.js";
import { seconds } from "../server/instants.js";
import { follow } from "../server/prediction_feed.js";
import { Coalesced } from "./coalesced.js";
import { type Asked, Models } from "./models.js";
import { Study } from "./study.js";
import { Symbols } from "./symbols.js";

/** Models come and go without a word; this is how soon the page notices. */
const LOOK_EVERY_MS = 3_000;

/** How long the page speaks of a new store: nothing need be done about it. */
const REPLACED_TOLD_MS = 15_000;

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
  readonly #listing = new Coalesced(() => this.#list());
  #following: Asked | undefined;
  #ending = new AbortController();
  #symbols: Symbols | undefined;
  #selected: string | undefined;
  #study: Study | undefined;
  #refusal: TickcastError | undefined;
  #epoch: string | undefined;
  #replacedAt = -Infinity;
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
    if (symbols?.listed && symbols.names.length === 0) {
      return noSymbols(symbols.timeframe);
    }
    const told = performance.now() - this.#replacedAt < REPLACED_TOLD_MS;
    return told ? STORE_REPLACED : undefined;
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
    const asked = this.models.asked;
    if (JSON.stringify(asked) === JSON.stringify(this.#following)) {
      return;
    }
    this.#ending.abort();
    this.#study?.end();
    this.#study = undefined;
    this.#refusal = undefined;
    this.#following = asked;
    if (asked) {
      this.#showSymbolsOf(asked.timeframe);
      this.#follow(asked.model);
    } else {
      this.#symbols = undefined;
    }
  }

  #showSymbolsOf(timeframe: string): void {
    if (this.#symbols?.timeframe === timeframe) {
      this.#symbols.forgetPredictions();
    } else {
      this.#symbols = new Symbols(this.#client, timeframe, this.#changed);
    }
  }

  #follow(model: string): void {
    this.#ending = new AbortController();
    const listener = {
      took: (event: PredictionEvent) => {
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
    if (event.position) {
      this.#noteEpoch(event.position.epoch);
    }
    const isNew = this.#symbols?.took(event);
    switch (event.case) {
      case "started":
        this.#refusal = undefined;
        this.#study?.refresh();
        break;
      case "heartbeat":
        this.#serverAheadSeconds = seconds(event.value.serverTime) - Date.now() / 1_000;
        break;
      case "prediction":
      case "refusal":
        if (event.value.symbol === this.#selected) {
          this.#study?.took(event);
        }
    }
    if (isNew || event.case === "started") {
      void this.#listing.run();
    }
    this.#changed();
  }

  /** Bars of another epoch are those of another store: nothing that is shown belongs to it. */
  #noteEpoch(epoch: string): void {
    const replaced = this.#epoch !== undefined && epoch !== this.#epoch;
    this.#epoch = epoch;
    if (replaced && this.#following) {
      this.#replacedAt = performance.now();
      this.#study?.end();
      this.#study = undefined;
      this.#symbols = new Symbols(this.#client, this.#following.timeframe, this.#changed);
      void this.#listing.run();
    }
  }

  async #list(): Promise<void> {
    const symbols = this.#symbols;
    try {
      await symbols?.refresh();
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
      this.#selected = state.symbol;
      this.#study?.end();
      this.#study = new Study(this.#client, this.#following, state, this.#changed);
      this.#study.refresh();
      this.#changed();
    }
  }
}
