import { expect, it } from "vitest";
import type { Outcome } from "../../src/logic/forecasts.js";
import { trackRecordOf } from "../../src/logic/track_record.js";

/** Of a band from the bar that closed at `asOf`. */
function outcome(asOf: number, inside: boolean): Outcome {
  return { asOf, target: asOf, lower: 1, upper: 2, close: inside ? 1.5 : 3, inside };
}

const OUTCOMES = [outcome(1, false), outcome(2, true), outcome(3, false), outcome(4, true)];

it("counts hits among what was realised", () => {
  expect(trackRecordOf(OUTCOMES, 0)).toEqual({ inside: 2, realised: 4, trainedOn: 0 });
});

it("leaves out what the model was trained on", () => {
  expect(trackRecordOf(OUTCOMES, 3)).toEqual({ inside: 1, realised: 2, trainedOn: 2 });
});
