import { expect, it } from "vitest";
import { readingOf } from "../../src/logic/reading.js";
import { candle } from "./made.js";

it("reads a candle in numbers, and how its band did", () => {
  const outcome = { asOf: 0, lower: 8, upper: 9, target: 0, close: 10, inside: false };
  expect(readingOf(candle(0, 10), outcome)).toBe(
    "1970-01-01 00:00 UTC  O 10.00  H 11.00  L 9.00  C 10.00  outside 8.00 – 9.00",
  );
});

it("reads nothing where there is no candle", () => {
  expect(readingOf(undefined, undefined)).toBe("");
});
