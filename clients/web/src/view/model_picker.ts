import type { ModelVersion } from "@tickcast/client/v1/model_pb";
import type { Models } from "../desk/models.js";
import { numberOf, predicts } from "../server/model_catalogue.js";
import { find } from "./find.js";

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly disabled: boolean;
}

/** Chooses a model, and one of its versions. */
export class ModelPicker {
  readonly #models = find("#model", HTMLSelectElement);
  readonly #versions = find("#version", HTMLSelectElement);

  constructor(choose: (name: string) => void) {
    for (const select of [this.#models, this.#versions]) {
      select.addEventListener("change", () => {
        choose(select.value);
      });
    }
  }

  show(models: Models): void {
    const model = models.model;
    const named = models.all.map(({ name }) => ({
      value: name,
      label: name.replace("models/", ""),
      disabled: false,
    }));
    offer(this.#models, named, model?.name, "no model");
    offer(this.#versions, model ? choicesOf(models) : [], models.chosen, "no version");
  }
}

function choicesOf(models: Models): Choice[] {
  const choices = [defaultChoice(models), ...versionChoices(models)];
  const { chosen, version } = models;
  if (chosen === undefined || choices.some(({ value }) => value === chosen)) {
    return choices;
  }
  // The address of the page named an alias, or what is not there.
  const label = `${numberOf(chosen)} ${version ? `(now ${numberOf(version.name)})` : "· not held"}`;
  return [...choices, { value: chosen, label, disabled: !version }];
}

function defaultChoice({ model }: Models): Choice {
  const version = model?.defaultVersion;
  const isChampion = model?.aliases.some((item) => item.alias === "champion");
  return {
    value: model?.name ?? "",
    label: version
      ? `${isChampion ? "champion" : "newest"} (now ${numberOf(version)})`
      : "none is loaded",
    disabled: false,
  };
}

function versionChoices({ model, versions }: Models): Choice[] {
  return versions.map((version) => {
    const aliases = model?.aliases.filter((item) => item.version === version.name) ?? [];
    const notes = [...aliases.map(({ alias }) => alias), ...failing(version)];
    return {
      value: version.name,
      label: [numberOf(version.name), ...notes].join(" · "),
      disabled: !predicts(version),
    };
  });
}

function failing(version: ModelVersion): string[] {
  if (predicts(version)) {
    return [];
  }
  return [version.failure ? "not loaded" : "predicts no prices"];
}

/** Fills a select, and leaves one alone that has these choices: it may be open. */
function offer(
  select: HTMLSelectElement,
  choices: readonly Choice[],
  chosen: string | undefined,
  none: string,
): void {
  const shown = choices.length > 0 ? choices : [{ value: "", label: none, disabled: true }];
  const key = JSON.stringify(shown);
  if (select.dataset["choices"] !== key) {
    select.dataset["choices"] = key;
    select.replaceChildren(
      ...shown.map(({ value, label, disabled }) => {
        const option = new Option(label, value);
        option.disabled = disabled;
        return option;
      }),
    );
  }
  select.disabled = choices.length === 0;
  if (chosen !== undefined && select.value !== chosen) {
    select.value = chosen;
  }
}
