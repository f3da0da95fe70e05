import type { TickcastClient } from "@tickcast/client";
import type { Model, ModelVersion } from "@tickcast/client/v1/model_pb";
import {
  modelOf,
  predicts,
  predictsCloses,
  versionNamed,
  versionsOf,
} from "../server/model_catalogue.js";

/** What is asked for predictions. */
export interface Asked {
  /** The name of a model, or of a version. */
  readonly model: string;
  /** The version that answers to it: another one has another record. */
  readonly version: string;
  readonly timeframe: string;
  /** Whether closes are what it predicts. */
  readonly ofCloses: boolean;
}

/** The models of the server, and the one that is asked. */
export class Models {
  readonly #client: TickcastClient;
  #all: readonly Model[] = [];
  #versions: readonly ModelVersion[] = [];
  #chosen: string | undefined;

  /** `wanted` is a model or a version that is chosen if it is there. */
  constructor(client: TickcastClient, wanted: string | undefined) {
    this.#client = client;
    this.#chosen = wanted;
  }

  get all(): readonly Model[] {
    return this.#all;
  }

  /** Of the chosen model, newest first. */
  get versions(): readonly ModelVersion[] {
    return this.#versions;
  }

  /** What is asked: the name of a model, or of a version. */
  get chosen(): string | undefined {
    return this.#chosen;
  }

  get model(): Model | undefined {
    return this.#all.find(({ name }) => this.#chosen && name === modelOf(this.#chosen));
  }

  /** The version that answers. */
  get version(): ModelVersion | undefined {
    const model = this.model;
    return model && this.#chosen ? versionNamed(this.#chosen, model, this.#versions) : undefined;
  }

  /** Undefined while nothing that is chosen predicts. */
  get asked(): Asked | undefined {
    const version = this.version;
    return this.#chosen !== undefined && version && predicts(version)
      ? {
          model: this.#chosen,
          version: version.name,
          timeframe: version.timeframe,
          ofCloses: predictsCloses(version),
        }
      : undefined;
  }

  choose(name: string): void {
    this.#chosen = name;
  }

  /** Looks again what the server has. Throws `TickcastError`. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#all = await this.#client.listModels({ signal });
    if (this.model === undefined) {
      this.#chosen = await this.#firstThatPredicts(signal);
    }
    const model = this.model;
    this.#versions = model ? await versionsOf(this.#client, model.name, signal) : [];
  }

  async #firstThatPredicts(signal: AbortSignal): Promise<string | undefined> {
    for (const model of this.#all) {
      const versions = await versionsOf(this.#client, model.name, signal);
      const version = versionNamed(model.name, model, versions);
      if (version && predicts(version)) {
        return model.name;
      }
    }
    return undefined;
  }
}
