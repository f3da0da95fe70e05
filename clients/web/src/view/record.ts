import type { ModelVersion } from "@tickcast/client/v1/model_pb";
import type { Study } from "../desk/study.js";
import type { Outcome } from "../logic/forecasts.js";
import { day, share } from "../logic/format.js";
import { type TrackRecord, trackRecordOf } from "../logic/track_record.js";
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
    const { outcomes } = study.forecasted;
    const record = trackRecordOf(outcomes, trainedUntil(version));
    const { inside, realised } = record;
    this.#record.dataset["inside"] = String(inside);
    this.#record.dataset["realised"] = String(realised);
    say(this.#share, realised > 0 ? share(inside / realised) : "–");
    say(this.#words, inWords(record, version));
    this.#draw(outcomes);
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
    const misses = ticks.filter(({ className }) => className === "miss").length;
    this.#ticks.setAttribute(
      "aria-label",
      `${misses} of the last ${ticks.length} outside the band`,
    );
  }
}

function trainedUntil({ trainingData }: ModelVersion): number {
  return seconds(trainingData?.endTime);
}

function inWords({ inside, realised, trainedOn }: TrackRecord, version: ModelVersion): string {
  const until = `up to ${day(trainedUntil(version))}`;
  if (realised === 0) {
    return trainedOn > 0
      ? `No close to judge by yet: the model was trained on these bars, ${until}.`
      : "No close to judge by yet: the first bands are still ahead.";
  }
  const built = share(version.intervalCoverage);
  const counted = `${inside} of ${realised} closes inside the band, built for ${built}.`;
  return trainedOn > 0
    ? `${counted} ${trainedOn} more are left out: trained on, ${until}.`
    : counted;
}
