import { expect, it } from "vitest";
import { age, day, instant, move, price, share } from "../../src/logic/format.js";

it.each([
  [1_234.5, "1,234.50"],
  [589.17, "589.17"],
  [1, "1.00"],
  [0.4567, "0.457"],
  [0.00012345, "0.000123"],
  [64_000_000, "64,000,000.00"],
])("shows a price of %d as %s", (value, shown) => {
  expect(price(value)).toBe(shown);
});

it.each([
  [0.01, "+1.01%"],
  [-0.01, "−1.00%"],
  [0.00001, "0.00%"],
  [-0.00001, "0.00%"],
])("shows a log return of %d as the move %s", (value, shown) => {
  expect(move(value)).toBe(shown);
});

it.each([
  [0.9, "90%"],
  [0.8816, "88.2%"],
  [1, "100%"],
])("shows a share of %d as %s", (value, shown) => {
  expect(share(value)).toBe(shown);
});

it.each([
  [-3, "0 s"],
  [12.9, "12 s"],
  [60, "1 min"],
  [200, "3 min 20 s"],
  [3_600, "1 h"],
  [100_000, "1 d 3 h"],
  [14.1 * 365.25 * 86_400, "14.1 y"],
])("shows %d seconds as an age of %s", (value, shown) => {
  expect(age(value)).toBe(shown);
});

it("shows instants in UTC", () => {
  expect(instant(1_712_707_260)).toBe("2024-04-10 00:01 UTC");
  expect(day(1_712_707_260)).toBe("2024-04-10");
});
