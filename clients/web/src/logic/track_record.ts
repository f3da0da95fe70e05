import type { Outcome } from "./forecasts.js";

/** How often the close was inside the band. */
export interface TrackRecord {
  readonly inside: number;
  readonly realised: number;
  /** Forecasts from bars that the model was trained on, which say nothing of it: not counted. */
  readonly trainedOn: number;
}

/** Counts the outcomes of forecasts made from bars later than the training, in seconds since 1970. */
export function trackRecordOf(outcomes: readonly Outcome[], trainedUntil: number): TrackRecord {
  const counted = outcomes.filter(({ asOf }) => asOf >= trainedUntil);
  return {
    inside: counted.filter(({ inside }) => inside).length,
    realised: counted.length,
    trainedOn: outcomes.length - counted.length,
  };
}
