import type { ModelVersion } from "@tickcast/client/v1/model_pb";
import type { Study } from "../desk/study.js";
import { day, share } from "../logic/format.js";
import type { Outcome } from "../logic/forecasts.js";
import { trackRecordOf } from "../logic/track_record.js";
import { seconds } from "../server/instants.js";
import { predictsCloses } from "../server/model_catalogue.js";
import { find, say } from "./find.js";

const TICKS = 60;

/** How often the close was inside the band. */
export class RecordView {
  readonly #record = find("#record", HTMLElement);
  readonly #share = find("#record-share", HTMLElement);
  readonly #words = find("#record-words", HTMLElement);
  readonly #ticks = find("#record-ticks", HTMLElement);
  #drawn: readonly Outcome[] | undefined;

  show(study: Study | undefined, version: ModelVersion | undefined): void {
    this.#record.hidden = !study?.loaded || !version;
    if (!study?.loaded || !version) {
      return;
    }
    if (!predictsCloses(version)) {
      say(this.#share, "–");
      say(this.#words, "Not told of this model: its target is taken early at a barrier.");
      this.#draw([]);
      return;
    }
    const trainedUntil = seconds(version.trainingData?.endTime);
    const { inside, realised, trainedOn } = trackRecordOf(study.forecasted.outcomes, trainedUntil);
    this.#record.dataset["inside"] = String(inside);
    this.#record.dataset["realised"] = String(realised);
    say(this.#share, realised > 0 ? share(inside / realised) : "–");
    say(this.#words, words({ inside, realised, trainedOn, trainedUntil, version }));
    this.#draw(study.forecasted.outcomes);
  }

  #draw(outcomes: readonly Outcome[]): void {
    if (outcomes === this.#drawn) {
      return;
    }
    this.#drawn = outcomes;
    const ticks = outcomes.slice(-TICKS).map(({ inside }) => {
      const tick = document.createElement("i");
      tick.className = inside ? "hit" : "miss";
      return tick;
    });
    this.#ticks.replaceChildren(...ticks);
    this.#ticks.setAttribute(
      "aria-label",
      `The last ${ticks.length}, of which ${ticks.filter((tick) => tick.className === "miss").length} outside`,
    );
  }
}

function words(told: {
  inside: number;
  realised: number;
  trainedOn: number;
  trainedUntil: number;
  version: ModelVersion;
}): string {
  const { inside, realised, trainedOn, trainedUntil, version } = told;
  const until = `up to ${day(trainedUntil)}`;
  if (realised === 0) {
    return trainedOn > 0
      ? `No close to judge by yet: the model was trained on these bars, ${until}.`
      : "No close to judge by yet: the first bands are still ahead.";
  }
  const counted = `${inside} of ${realised} closes inside the band, built for ${share(version.intervalCoverage)}.`;
  return trainedOn > 0
    ? `${counted} ${trainedOn} more are left out: trained on, ${until}.`
    : counted;
}
