import { expect, it } from "vitest";
import { timeframeSeconds } from "../../src/logic/timeframe.js";

it("knows how long a timeframe is", () => {
  expect(["30s", "5m", "4h", "1d", "1w"].map(timeframeSeconds)).toEqual([
    30, 300, 14_400, 86_400, 604_800,
  ]);
});

it("says what a timeframe that is none should have been", () => {
  expect(() => timeframeSeconds("1y")).toThrow("timeframe: was '1y', needed a count and one of s,");
});
